path "/api/v1/namespaces/web/configmaps" {
  capabilities = ["read"]
}
