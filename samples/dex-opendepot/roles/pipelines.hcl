role "ci-pipeline" {
  iss      = "https://dex.example.com/dex"
  aud      = "ci-pipeline"
  sub      = "ci-pipeline"
  policies = ["read-shared"]
}
