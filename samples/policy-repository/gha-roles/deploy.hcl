role "deploy" {
  description      = "the deployment workflow, on main only"
  iss              = "https://token.actions.githubusercontent.com"
  aud              = "api://DigitalOcean?actx={actx}"
  sub              = ["repo:acme/app:ref:refs/heads/main", "repo:acme@65/app@74:ref:refs/heads/main"]
  job_workflow_ref = "acme/app/.github/workflows/deploy.yml@refs/heads/main"
  policies         = ["deploy"]
}
