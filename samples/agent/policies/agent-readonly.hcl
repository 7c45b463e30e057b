path "/v2/droplets" {
  capabilities = ["read"]
}

path "/v2/droplets/+" {
  capabilities       = ["read"]
  allowed_parameters = {}
}

# A list of databases holds their passwords: only those that are meant for agents.
path "/v2/databases" {
  capabilities       = ["read"]
  allowed_parameters = { "?" = { "tag_name" = "agents", "page" = optional(any()), "per_page" = optional(any()) } }
}

# The same by MCP: what no rule names is not even listed.
mcp "droplets" {
  tool "droplet-list" {}
  tool "droplet-get" { allowed_parameters = { "ID" = range(1, 999) } }
}
