role "ci-pipeline" {
  iss      = "https://dex.example.com/dex"
  aud      = "ci-pipeline"        # Dex writes the client's own id
  groups   = "client:ci-pipeline" # given by ClientGroups, and to nobody else
  policies = ["read-shared"]
}
