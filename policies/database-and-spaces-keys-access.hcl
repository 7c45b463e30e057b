# Connection details of one database, by its id. `+` is one whole segment: `/v2/databases/{id}/users` is not reached.
path "/v2/databases/+" {
  capabilities       = ["read"]
  allowed_parameters = {} # no query, no body
}

# Connection details of the databases with this tag, and only with this query.
path "/v2/databases" {
  capabilities       = ["read"]
  allowed_parameters = { "?" = { "tag_name" = "my-tag" } } # "?" : the query string
}

# New access keys that read bucket 111 and nothing else.
path "/v2/spaces/keys" {
  capabilities = ["create"]
  allowed_parameters = {
    "name"   = "bucket-111-read-token-*"
    "grants" = [{ "bucket" = "111", "permission" = "read" }]
  }
}
