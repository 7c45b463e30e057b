# A build of one project. Depot's CLI sends protocol buffers: field 1 of the request is the project.
path "/depot.cli.v1.BuildService/CreateBuild" {
  capabilities       = ["create"]
  allowed_parameters = { "#1" = "proj-web", "*" = [] }
}

# What the build's own token is for: its connection, its health and its end.
path "/depot.cli.v1.BuildService/*" {
  capabilities = ["create"]
}
