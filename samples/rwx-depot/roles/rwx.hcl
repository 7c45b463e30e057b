role "rwx-main" {
  iss        = "https://cloud.rwx.com/mint"
  aud        = "https://depot.dev"
  sub        = "mint:1b4e28ba-2fa1-11d2-883f-0016d3cca427:main" # mint:<organization>:<vault>
  credential = { project = "proj-web" }
  policies   = ["build"]
}
