test "the deployment reads databases with the app's tag" {
  token = {
    iss              = "https://token.actions.githubusercontent.com"
    sub              = "repo:acme/app:ref:refs/heads/main"
    job_workflow_ref = "acme/app/.github/workflows/deploy.yml@refs/heads/main"
  }
  request = { method = "GET", path = "/v2/databases", query = { tag_name = "app" } }
  expect  = "allow"
}

test "another branch may do nothing" {
  token = {
    iss              = "https://token.actions.githubusercontent.com"
    sub              = "repo:acme/app:ref:refs/heads/try"
    job_workflow_ref = "acme/app/.github/workflows/deploy.yml@refs/heads/try"
  }
  request = { method = "GET", path = "/v2/databases", query = { tag_name = "app" } }
  expect  = "deny"
}

test "a key for another bucket is refused" {
  token = {
    iss              = "https://token.actions.githubusercontent.com"
    sub              = "repo:acme/app:ref:refs/heads/main"
    job_workflow_ref = "acme/app/.github/workflows/deploy.yml@refs/heads/main"
  }
  request = {
    method = "POST"
    path   = "/v2/spaces/keys"
    body   = { name = "app-read-1", grants = [{ bucket = "billing", permission = "read" }] }
  }
  expect = "deny"
  reason = "grants"
}
