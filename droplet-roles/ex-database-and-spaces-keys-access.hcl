# Droplets that were created with the tag `oidc-sub:role:ex-database-and-spaces-keys-access`.
role "ex-database-and-spaces-keys-access" {
  aud      = "api://DigitalOcean?actx={actx}"
  sub      = "actx:{actx}:role:ex-database-and-spaces-keys-access"
  policies = ["ex-database-and-spaces-keys-access", "ex-atproto"]
}
