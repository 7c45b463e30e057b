mcp "*" {
  tool "*" {}
  method "unknown/method" {}
  prompt "*" {}
  resource "test://*" {}
  client = ["elicitation", "roots", "sampling"]
  tasks  = true
}
