# What both of the `ex-…` roles exchange their tokens for. No `iss`: only this proxy issues it.
role "database-and-spaces-keys-access" {
  aud      = "api://DigitalOcean?actx={actx}"
  sub      = "actx:{actx}:role:database-and-spaces-keys-access"
  policies = ["database-and-spaces-keys-access"]
}
