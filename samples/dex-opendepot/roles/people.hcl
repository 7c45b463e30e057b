role "platform" {
  iss      = "https://dex.example.com/dex"
  aud      = "opendepot"
  groups   = ["my-org:platform", "my-org:sre"] # any of them
  policies = ["read-all"]
}

role "developers" {
  iss      = "https://dex.example.com/dex"
  aud      = "opendepot"
  groups   = "my-org:*"
  policies = ["read-shared"]
}
