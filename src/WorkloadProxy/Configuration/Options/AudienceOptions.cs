using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration.Options;

/// <summary>A token's audience → the context that it stands for.</summary>
internal sealed record AudienceOptions(string Audience, AuthContext Context)
{
    /// <summary>Stands for every audience of one issuer.</summary>
    public const string Any = "*";

    /// <summary>Only for tokens of this issuer.</summary>
    public string? Issuer { get; init; }

    /// <summary>Only for tokens with these claims.</summary>
    public ClaimConstraints? Claims { get; init; }

    public bool TakesAny => Audience == Any;

    /// <summary>The greater decides: a named audience before any, then claims, then an issuer.</summary>
    public int Narrowness => (TakesAny ? 0 : 4) + (Claims is null ? 0 : 2) + (Issuer is null ? 0 : 1);
}
