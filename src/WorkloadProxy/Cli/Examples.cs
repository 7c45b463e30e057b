namespace WorkloadProxy.Cli;

/// <summary>What <c>--help</c> of each command ends with.</summary>
internal static class Examples
{
    private const string Team = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

    private static readonly Dictionary<string, string[]> byCommand = new()
    {
        ["workload-proxy"] = ["workload-proxy --config /etc/workload-proxy/config.json"],
        ["workload-proxy serve"] = ["workload-proxy serve --config /etc/workload-proxy/config.json --urls http://0.0.0.0:8080",
            "PublicUrl=https://proxy.example.com workload-proxy serve"],
        ["workload-proxy policy"] = [$"workload-proxy policy check . --actx {Team}"],
        ["workload-proxy policy check"] = [$"workload-proxy policy check . --actx {Team}", "workload-proxy policy check rbac --format github",
            "workload-proxy policy check --rev HEAD~1"],
        ["workload-proxy policy explain"] =
        [
            $"workload-proxy policy explain . --actx {Team} --claims claims.json --method GET --path '/v2/databases?tag_name=my-tag'",
            $"workload-proxy policy explain . --actx {Team} --token token.jwt --method POST --path /v2/spaces/keys --body body.json",
        ],
        ["workload-proxy policy test"] = [$"workload-proxy policy test . --actx {Team}"],
        ["workload-proxy policy diff"] = ["workload-proxy policy diff ../main .", "workload-proxy policy diff main..HEAD --exit-code",
            "workload-proxy policy diff --rev origin/main --format github"],
        ["workload-proxy policy fmt"] = ["workload-proxy policy fmt", "workload-proxy policy fmt . --check"],
        ["workload-proxy policy init"] = ["workload-proxy policy init rbac"],
        ["workload-proxy policy show"] = [$"workload-proxy policy show . --actx {Team} | jq '.roles[].name'"],
        ["workload-proxy policy parse"] = ["workload-proxy policy parse roles/ci.hcl", "cat ci.hcl | workload-proxy policy parse -"],
        ["workload-proxy policy pull"] = ["workload-proxy policy pull --context 'api://Depot?actx=acme'"],
        ["workload-proxy token"] = ["workload-proxy token show token.jwt"],
        ["workload-proxy token get"] =
        [
            $"workload-proxy token get --proxy https://proxy.example.com --context 'api://DigitalOcean?actx={Team}' --role agent",
            "workload-proxy token get --format headers", "workload-proxy token get --source github --watch --write /run/agent/token &",
        ],
        ["workload-proxy token relay"] =
            [$"workload-proxy token relay --proxy https://proxy.example.com --context 'api://OpenAI?actx=acme' --kind openai --env /run/agent/openai.env"],
        ["workload-proxy mcp"] = ["workload-proxy mcp bridge https://proxy.example.com/_mcp/DigitalOcean/droplets"],
        ["workload-proxy mcp tools"] = ["workload-proxy mcp tools https://proxy.example.com/_mcp/DigitalOcean/droplets > droplets.json"],
        ["workload-proxy mcp bridge"] =
        [$"workload-proxy mcp bridge https://proxy.example.com/_mcp/DigitalOcean/droplets --context 'api://DigitalOcean?actx={Team}' --source "
            + "file:/run/agent/token"],
        ["workload-proxy token show"] = [$"echo \"$TOKEN\" | workload-proxy token show - --dir . --actx {Team}"],
        ["workload-proxy keys"] = ["workload-proxy keys list"],
        ["workload-proxy keys list"] = ["workload-proxy keys list --config /etc/workload-proxy/config.json"],
        ["workload-proxy keys rotate"] = ["workload-proxy keys rotate --config /etc/workload-proxy/config.json", "workload-proxy keys rotate --client"],
        ["workload-proxy keys revoke"] = ["workload-proxy keys revoke zQ4fX8kL1vB2nC3mD5gH7jK9pR0sT6wY-uE_aI8oU4x --config /etc/workload-proxy/config.json"],
        ["workload-proxy credentials"] = ["workload-proxy credentials disconnect --context 'api://ATProto?actx=did:plc:ewvi7nxzyoun6zhxrhs64oiz'"],
        ["workload-proxy credentials disconnect"] = ["workload-proxy credentials disconnect --context 'api://ATProto?actx=did:plc:ewvi7nxzyoun6zhxrhs64oiz'"],
        ["workload-proxy backup"] = ["workload-proxy backup /backup/store.db --config /etc/workload-proxy/config.json"],
        ["workload-proxy config"] = ["workload-proxy config check --config /etc/workload-proxy/config.json"],
        ["workload-proxy config check"] = ["workload-proxy config check /etc/workload-proxy/config.json"],
        ["workload-proxy config schema"] = ["workload-proxy config schema > workload-proxy.schema.json"],
        ["workload-proxy status"] = ["workload-proxy status --config /etc/workload-proxy/config.json"],
        ["workload-proxy completion"] = ["source <(workload-proxy completion bash)"],
    };

    public static IEnumerable<string> Of(string command) => byCommand[command].Select(line => "  " + line);
}
