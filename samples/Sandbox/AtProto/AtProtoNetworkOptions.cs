namespace Sandbox.AtProto;

/// <summary>What the stand-in AT Protocol network is asked to be.</summary>
public sealed record AtProtoNetworkOptions
{
    /// <summary>How many personal data servers there are; each is an authorization server too.</summary>
    public int Servers { get; init; } = 2;

    /// <summary>How many accounts: the first on the first server, the second on the second, the third on the first again, and so on.</summary>
    public int Accounts { get; init; } = 3;

    /// <summary>One more account, on the first server, whose DID is a <c>did:web</c>.</summary>
    public bool Web { get; init; }

    /// <summary>
    /// Where the authorization servers fetch what they take for <c>https://HOST</c>: client documents are on the public web, and a test's are not.
    /// </summary>
    public IReadOnlyDictionary<string, Uri> ClientHosts { get; init; } = new Dictionary<string, Uri>();

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
