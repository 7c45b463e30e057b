path "/opendepot/modules/v1/*" {
  capabilities = ["read"]
}

path "/opendepot/providers/v1/*" {
  capabilities = ["read"]
}
