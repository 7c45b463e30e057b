path "/opendepot/modules/v1/shared/*" {
  capabilities = ["read"]
}

path "/opendepot/providers/v1/shared/*" {
  capabilities = ["read"]
}
