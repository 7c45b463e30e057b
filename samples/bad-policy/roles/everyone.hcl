role "everyone" {
  iss      = "https://token.actions.githubusercontent.com"
  aud      = "api://DigitalOcean?actx={actx}"
  sub      = "repo:org*"
  policies = ["deploys"]
}

role "nobody" {
  iss      = "https://dex.example.com/dex"
  aud      = "opendepot"
  policies = ["deploy"]
}
