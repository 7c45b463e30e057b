role "everyone" {
  iss      = "https://token.actions.githubusercontent.com"
  aud      = "api://DigitalOcean?actx={actx}"
  sub      = "repo:org*"
  policies = ["deploy"]
}

role "anyone" {
  iss      = "https://dex.example.com/dex"
  aud      = "opendepot"
  policies = ["deploy"]
}

role "deployer" {
  aud      = "api://DigitalOcean?actx={actx}"
  sub      = "actx:{actx}:role:deployer"
  policies = ["deploys"]
}
