namespace Sandbox;

/// <summary>What the stand-in cloud is asked to be. Ports of 0 are free ones; everything has a default.</summary>
public sealed record SandboxOptions
{
    public int ApiPort { get; init; }
    public int Http2Port { get; init; }
    public int IssuerPort { get; init; }

    /// <summary>
    /// The <c>iss</c> of the token service; its own address when absent. GitHub's real one may stand here, with the proxy's <c>MetadataAddress</c> pointing at
    /// the sandbox.
    /// </summary>
    public string? Issuer { get; init; }

    public string TeamUuid { get; init; } = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

    /// <summary>The team's API token: the credential that only the proxy holds.</summary>
    public string TeamToken { get; init; } = "dop_v1_sandbox_team";

    /// <summary>A user's own token of the same team, as doctl sends it.</summary>
    public string UserToken { get; init; } = "dop_v1_sandbox_user";

    /// <summary>A user's token that may read only.</summary>
    public string ReadOnlyToken { get; init; } = "dop_v1_sandbox_readonly";

    /// <summary>The application that people authorize. Without a secret it is a public client, which must use PKCE.</summary>
    public string OAuthClientId { get; init; } = "sandbox_application";
    public string? OAuthClientSecret { get; init; } = "sandbox_client_secret";

    /// <summary>The one address that a code is sent to; any when absent.</summary>
    public string? OAuthRedirectUri { get; init; }

    public string AtProtoDid { get; init; } = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    public string AtProtoToken { get; init; } = "atproto_sandbox";

    /// <summary>How many personal data servers the AT Protocol network has; with 0 there is none.</summary>
    public int AtProtoServers { get; init; }

    /// <summary>How many accounts live on them, in turn.</summary>
    public int AtProtoAccounts { get; init; } = 3;

    /// <summary>Where the network's authorization servers fetch what they take for https on a host: <c>proxy.lab.internal=http://127.0.0.1:8080</c>.</summary>
    public string? AtProtoClientHost { get; init; }

    /// <summary>A token of a GitHub user who may set commit statuses.</summary>
    public string GitHubToken { get; init; } = "ghp_sandbox";

    /// <summary>The GitHub App goes by its number or by its client id.</summary>
    public string GitHubAppId { get; init; } = "123456";
    public string GitHubClientId { get; init; } = "Iv23liSandbox0123456";

    /// <summary>The organization's token at Depot.</summary>
    public string DepotToken { get; init; } = "depot_org_sandbox";

    /// <summary>What a job presents to the token service (<c>ACTIONS_ID_TOKEN_REQUEST_TOKEN</c>).</summary>
    public string TokenRequestToken { get; init; } = "sandbox_runner";

    /// <summary>A Kubernetes API server as well.</summary>
    public bool Cluster { get; init; }
}
