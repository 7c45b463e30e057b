role "suite" {
  iss      = "https://token.actions.githubusercontent.com"
  aud      = "api://Everything?actx=suite"
  sub      = "repo:org/repo:*"
  policies = ["suite"]
}
