namespace WorkloadProxy.Configuration.Keys;

/// <summary><c>Upstreams</c></summary>
internal static class UpstreamKeys
{
    public static readonly ConfigurationKey[] Rows =
    [
        new("Upstreams:*:Kind", KeyType.Choice, "what the upstream is")
        {
            Choices = ["digitalocean", "atproto", "http", "mcp"],
            Example = "\"http\"",
            Absent = "required, except for upstreams named `DigitalOcean` or `ATProto`",
        },
        new("Upstreams:*:Address", KeyType.Address, "where it is; plain http only on loopback, private addresses, `*.svc` and `*.cluster.local`")
            { Example = "\"https://api.example.com\"", Absent = "`https://api.digitalocean.com` for that kind; required for `http`" },
        new("Upstreams:*:PassThrough", KeyType.Flag, "users' own API tokens (those that are not JWTs) pass through untouched; at most one upstream can have it")
            { Default = "false", Choices = ["handed-out"], Example = "true" },
        new("Upstreams:*:PassThroughIssuers:#", KeyType.Address,
            "with `PassThrough`: JWTs whose `iss` is exactly one of these pass through too, untouched and unverified, for the upstream to judge. No role may "
                + "name such an issuer")
            { Example = "[\"https://kubernetes.default.svc\"]", Form = "issuers" },
        new("Upstreams:*:CaFile", KeyType.CertificateFile,
            "authorities for the upstream's certificate; they replace the system's, and are read again for each connection")
            { Example = "\"/etc/workload-proxy/upstream-ca.pem\"", Absent = "the system's" },
        new("Upstreams:*:HostHeader", KeyType.Choice,
            "`public`: the host of `PublicUrl` is sent as `Host` and `X-Forwarded-Host`, and its scheme as `X-Forwarded-Proto`, so that addresses which the "
                + "upstream makes lead back "
            + "to the proxy. Its certificate is still checked against `Address`")
            { Choices = ["public"], Example = "\"public\"", Absent = "the address's host" },
        new("Upstreams:*:HandsOut:#:Path", KeyType.Text,
            "with `\"PassThrough\": \"handed-out\"`: responses at this path hold a token, which passes from then on as its caller's")
            { Required = true, Example = "\"/depot.cli.v1.BuildService/CreateBuild\"", Form = "path", More = "depot.md#tokens-that-were-handed-out" },
        new("Upstreams:*:HandsOut:#:Token", KeyType.Text, "the member of the JSON response that holds it, or `#N`, the number of a protobuf field")
            { Required = true, Example = "\"#2\"" },
        new("Upstreams:*:HandsOut:#:Lifetime", KeyType.Duration, "how long it passes")
            { Required = true, Least = "00:00:01", Most = "7.00:00:00", Example = "\"06:00:00\"" },
        new("Upstreams:*:EncodedSlash", KeyType.Flag, "accept `%2F` inside a segment (GitLab, container registries)") { Default = "false", Example = "true" },
        new("Upstreams:*:DropHeaders:#", KeyType.Text, "further request headers that never reach the upstream") { Example = "[\"X-Debug\"]", Form = "headers" },
        new("Upstreams:*:PassHeaders:#", KeyType.Text,
            "the only request headers that reach the upstream, besides those of the content itself (`Accept*`, `Content-*`, `If-*`, `Range`, `User-Agent`)")
            { Example = "[\"Idempotency-Key\"]", Form = "headers", Absent = "all" },
        new("Upstreams:*:TokenHeaders:#", KeyType.Text,
            "headers besides `Authorization` that may carry the token, for SDKs that put their key elsewhere. They are never forwarded; a token in several of "
                + "them must be the same")
            { Example = "[\"x-api-key\"]", Form = "headers" },
        new("Upstreams:*:StripPrefix", KeyType.Text, "removed from the path before the rules see it: `/api/v3` for `gh` with `GH_HOST`")
            { Example = "\"/api/v3\"", Form = "path" },
        new("Upstreams:*:Host", KeyType.Text,
            "a name that serves this upstream alone: without the proxy's own paths or the path of `PublicUrl`, and a token for another upstream gets 401. It "
                + "needs no entry in `AllowedHosts`")
            { Example = "\"github.proxy.example.com\"", Form = "host name" },
        new("Upstreams:*:ConnectTimeout", KeyType.Duration, "for a connection to the upstream, TLS included")
            { Default = "00:00:10", Least = "00:00:00.001", Most = "1.00:00:00" },
        new("Upstreams:*:ActivityTimeout", KeyType.Duration, "how long nothing may move before 504; null: for ever")
            { Default = "00:01:40", Least = "00:00:00.001", Most = "1.00:00:00", MayBeNull = true },
        new("Upstreams:*:Version", KeyType.Choice, "the HTTP version; gRPC needs `2`. Nothing is negotiated down")
            { Default = "1.1", Choices = ["1.1", "2", "2.0"], Example = "\"2\"" },
        new("Upstreams:*:Mcp:*:Address", KeyType.Address, "an MCP server, served at `/_mcp/<Upstream>/<name>`; plain http as for upstreams")
            { Required = true, Example = "\"https://droplets.mcp.digitalocean.com/mcp\"", More = "mcp.md" },
        new("Upstreams:*:Mcp:*:Host", KeyType.Text, "a name that serves this server alone, at `/mcp`")
        { Example = "\"droplets.proxy.example.com\"", Form = "host name" },
        new("Upstreams:*:Mcp:*:Discovery", KeyType.Flag, "lets OAuth clients find out where to get a token")
            { Default = "false", Example = "true", More = "mcp.md#discovery" },
        new("Upstreams:*:Mcp:*:Origins:#", KeyType.Text, "pages that may call it, besides those of `PublicUrl`")
            { Example = "[\"https://inspector.example.com\"]", Form = "origins" },
        new("Upstreams:*:Mcp:*:MaxMessage", KeyType.Size, "of a caller's message") { Default = "1048576", Least = "1024", Most = "16777216" },
        new("Upstreams:*:Mcp:*:MaxAnswer", KeyType.Size, "of one response or event of the server's")
            { Default = "16777216", Least = "1024", Most = "1073741824" },
        new("Upstreams:*:Mcp:*:ActivityTimeout", KeyType.Duration,
            "how long the server may take to respond; a stream that has begun may stay silent. null: for ever")
            { Default = "00:10:00", Least = "00:00:00.001", Most = "1.00:00:00", MayBeNull = true },
        new("Upstreams:*:PlcDirectory", KeyType.Address, "kind `atproto`: where a `did:plc` is looked up")
            { Default = "https://plc.directory", More = "atproto.md" },
        new("Upstreams:*:HandleResolver", KeyType.Address, "kind `atproto`: asked for the DID of a handle")
            { Example = "\"https://public.api.bsky.app\"", Absent = "each handle's own host" },
        new("Upstreams:*:Servers:#", KeyType.Address,
            "kind `atproto`: servers that may be on loopback, in the cluster or on a private address, and use plain http there")
            { Example = "[\"http://pds.pds.svc:3000\"]", Form = "origins" },
        new("Upstreams:*:OAuth:Address", KeyType.Address, "where people sign in; at most one upstream can have it")
            { Default = "https://cloud.digitalocean.com/v1/oauth", More = "sign-in.md" },
        new("Upstreams:*:OAuth:ClientId", KeyType.Text, "the client that is registered there") { Required = true, Example = "\"0123456789abcdef\"" },
        new("Upstreams:*:OAuth:ClientSecretFile", KeyType.SecretFile, "holds the client's secret; read for each call")
            { Example = "\"/run/secrets/oauth-client-secret\"", Absent = "a public client" },
        new("Upstreams:*:OAuth:ClientSecretEnvironmentVariable", KeyType.Variable, "holds the client's secret, in place of a file")
            { Example = "\"OAUTH_CLIENT_SECRET\"", Absent = "a public client" },
        new("Upstreams:*:OAuth:Scopes:#", KeyType.Text, "the scopes that a team or an account is asked to grant")
            { Example = "[\"read\", \"write\"]", Absent = "`[\"read\", \"write\"]`; kind `atproto`: `[\"atproto\", \"repo:*\", \"blob:*/*\"]`" },
        new("Upstreams:*:OAuth:Teams:#", KeyType.Text, "teams that may sign in; `[\"*\"]`: everyone")
            { Example = "[\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"]", Form = "ids", Absent = "no one" },
        new("Upstreams:*:OAuth:Accounts:#", KeyType.Text, "kind `atproto`: accounts that may sign in; `[\"*\"]`: everyone")
            { Example = "[\"did:plc:ewvi7nxzyoun6zhxrhs64oiz\"]", Form = "DIDs", Absent = "no one" },
    ];
}
