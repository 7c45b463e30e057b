# Stands for provisioning: this job of GitHub's gets the identity that a Droplet would have.
role "provisioning" {
  iss      = "https://token.actions.githubusercontent.com"
  aud      = "api://DigitalOcean?actx={actx}"
  sub      = "repo:org/provisioning:ref:refs/heads/main"
  policies = ["provisioning"]
}
