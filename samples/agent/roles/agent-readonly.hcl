role "agent-readonly" {
  aud      = "api://DigitalOcean?actx={actx}"
  sub      = "actx:{actx}:role:agent-readonly"
  policies = ["agent-readonly"]
}
