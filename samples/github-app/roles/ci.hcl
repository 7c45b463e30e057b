# The deploy workflow of `web` reads one other repository, and that alone: its token is good for nothing else.
role "web-deploy" {
  iss        = "https://token.actions.githubusercontent.com"
  aud        = "api://GitHub?actx={actx}"
  repository = "acme/web"
  ref        = "refs/heads/main"
  credential = { repositories = "infrastructure", permissions = "contents:read" }
  policies   = ["read-modules"]
}
