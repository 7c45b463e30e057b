role "agent" {
  description = "the coding agent of one repository"
  iss         = "https://token.actions.githubusercontent.com"
  aud         = "api://DigitalOcean?actx={actx}"
  sub         = ["repo:org/repo:environment:copilot", "repo:org@65/repo@74:environment:copilot"]
  policies    = ["agent"]
}
