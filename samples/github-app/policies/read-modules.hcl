path "/repos/acme/infrastructure/contents/modules/*" {
  capabilities = ["read"]
}
