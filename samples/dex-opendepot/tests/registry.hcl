test "the platform team reads everything" {
  token   = { iss = "https://dex.example.com/dex", aud = "opendepot", sub = "CgR1c2VyEgVsb2NhbA", groups = ["my-org:platform"] }
  request = { path = "/opendepot/modules/v1/platform/network/aws/versions" }
  expect  = "allow"
}
test "developers read what is shared" {
  token   = { iss = "https://dex.example.com/dex", aud = "opendepot", sub = "CgR1c2VyEgVsb2NhbA", groups = ["my-org:web"] }
  request = { path = "/opendepot/modules/v1/platform/network/aws/versions" }
  expect  = "deny"
}
test "the pipeline reads what is shared" {
  token   = { iss = "https://dex.example.com/dex", aud = "ci-pipeline", sub = "CgtjaS1waXBlbGluZQ", groups = ["client:ci-pipeline"] }
  request = { path = "/opendepot/modules/v1/shared/network/aws/versions" }
  expect  = "allow"
}
test "another client of Dex reads nothing" {
  token   = { iss = "https://dex.example.com/dex", aud = "grafana", sub = "CgdncmFmYW5h", groups = ["client:grafana"] }
  request = { path = "/opendepot/modules/v1/shared/network/aws/versions" }
  expect  = "deny"
}
