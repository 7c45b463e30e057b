# Tokens for another trust boundary: whether one is worth anything there is for that context's own roles to say (roles/atproto-write.hcl).
path "/v1/oidc/issue" {
  capabilities = ["create"]
  allowed_parameters = {
    "aud" = "api://ATProto?actx=did:plc:*"
    "sub" = "actx:{actx}:role:atproto-write"
    "ttl" = 300
  }
}
