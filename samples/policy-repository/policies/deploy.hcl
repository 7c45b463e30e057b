path "/v2/databases" {
  capabilities       = ["read"]
  allowed_parameters = { "?" = { "tag_name" = "app" } }
}

path "/v2/databases/+" {
  capabilities = ["read"]
}

path "/v2/spaces/keys" {
  capabilities = ["create"]
  allowed_parameters = {
    "name"   = "app-read-*"
    "grants" = [{ "bucket" = "app", "permission" = "read" }]
  }
}
