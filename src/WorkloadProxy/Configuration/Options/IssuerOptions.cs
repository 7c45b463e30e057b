namespace WorkloadProxy.Configuration.Options;

/// <summary>An issuer that the operator lists; <paramref name="Algorithms"/> empty means all that the proxy accepts.</summary>
internal sealed record IssuerOptions(string Issuer, Uri? MetadataAddress, string? JwksFile, IReadOnlyList<string> Algorithms)
{    /// <summary>Authorities in PEM that replace the system's when its metadata and keys are fetched.</summary>
    public string? CaFile { get; init; }

    /// <summary>Holds the bearer token for its metadata, and for its keys on the same origin.</summary>
    public string? TokenFile { get; init; }

    /// <summary>Tokens without <c>iss</c> whose <c>sub</c> lies in this trust domain are this issuer's.</summary>
    public string? SpiffeTrustDomain { get; init; }

    /// <summary>Tokens without groups get one that names their client.</summary>
    public bool ClientGroups { get; init; }

    /// <summary>The claim that holds the groups.</summary>
    public string GroupsClaim { get; init; } = "groups";

    /// <summary>Its <c>aud</c> names the client that a token was issued to, so a role that names one says who the caller is.</summary>
    public bool AudienceIsClient { get; init; }

    /// <summary>The claims that tell runs of a workload apart; empty: what is usual.</summary>
    public IReadOnlyList<string> Run { get; init; } = [];
}
