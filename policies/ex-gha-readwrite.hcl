# A GitHub Actions job may exchange its token for the role `database-and-spaces-keys-access`, for five minutes at a time, and do nothing else.
path "/v1/oidc/issue" {
  capabilities = ["create"]
  allowed_parameters = {
    "aud" = "api://DigitalOcean?actx={actx}"
    "sub" = "actx:{actx}:role:database-and-spaces-keys-access"
    "ttl" = 300
  }
}
