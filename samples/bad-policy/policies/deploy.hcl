path "/v1/oidc/issue" {
  capabilities = ["create"]
}

path "/v2/droplets" {
  capabilites = ["create"]
}

path "/v2/../databases" {
  capabilities = ["red"]
}

path "/v2/apps/+*" {
  capabilities = ["read"]
}
