role "platform" {
  iss      = "https://dex.example.com/dex"
  aud      = "kubernetes"
  groups   = "my-org:platform"
  policies = ["read-configmaps"]
}
