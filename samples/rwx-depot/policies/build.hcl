# What `depot build` asks for. Bodies are protocol buffers: they can't be inspected, so no parameters are named.
path "/depot.cli.v1.BuildService/*" {
  capabilities = ["create"]
}
