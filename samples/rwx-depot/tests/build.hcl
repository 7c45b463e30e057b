defaults {
  token = {
    iss = "https://cloud.rwx.com/mint"
    aud = "https://depot.dev"
    sub = "mint:1b4e28ba-2fa1-11d2-883f-0016d3cca427:main"
  }
}

test "a build of the project is permitted" {
  request = { method = "POST", path = "/depot.cli.v1.BuildService/CreateBuild", body = { "#1" = "proj-web", "#2" = "--push" } }
  expect  = "allow"
}

test "a build of another project is not" {
  request = { method = "POST", path = "/depot.cli.v1.BuildService/CreateBuild", body = { "#1" = "proj-billing" } }
  expect  = "deny"
  reason  = "parameter `#1`"
}

test "nor is one that names two" {
  request = { method = "POST", path = "/depot.cli.v1.BuildService/CreateBuild", body = { "#1" = ["proj-web", "proj-billing"] } }
  expect  = "deny"
}

test "the build's end may be told" {
  request = { method = "POST", path = "/depot.cli.v1.BuildService/FinishBuild" }
  expect  = "allow"
}

test "the rest of Depot is closed" {
  request = { method = "POST", path = "/depot.core.v1.ProjectService/CreateToken" }
  expect  = "deny"
}
