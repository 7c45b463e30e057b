using System.Runtime.CompilerServices;
using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Tokens;

/// <summary>What verification of a JWT found. Holds for as long as the key stays in its issuer's JWKS and the token is neither expired nor revoked.</summary>
internal sealed record VerifiedToken
{
    public required AuthContext Context { get; init; }
    /// <summary>The context in its written form, for the audit.</summary>
    public string ContextText { get => field ??= Context.ToString(); init; }
    public required Claims Claims { get; init; }
    public required string Issuer { get; init; }
    public required string Subject { get; init; }
    /// <summary>The <c>jti</c>, if it is a string.</summary>
    public string? Id { get; init; }
    /// <summary>
    /// How often the token was exchanged: the depth of <see cref="Actor"/>. 0 for another issuer's, whose <c>act</c> would be any claim that someone made.
    /// </summary>
    public int ActorDepth { get; init; }
    /// <summary>Who presented the token that this one was exchanged for: the <c>act</c> claim (RFC 8693 §4.1), an object.</summary>
    public JsonElement? Actor { get; init; }
    /// <summary><c>iss</c> is our own.</summary>
    public required bool IsOwn { get; init; }
    public required DateTimeOffset Expires { get; init; }
    /// <summary>The <c>iat</c>, if there is one.</summary>
    public DateTimeOffset? IssuedAt { get; init; }
    /// <summary>
    /// What revocation names this token by: the <c>jti</c> for our own, the hash of the signing input for others; and its ancestors', nearest first.
    /// </summary>
    public required IReadOnlyList<string> RevocationIds { get; init; }
    /// <summary>The run of the workload that the chain's first token belongs to: a hash.</summary>
    public string Run { get; init; } = "";

    /// <summary>The same with another end, for what the caller was given beside it.</summary>
    public VerifiedToken EndingAt(DateTimeOffset ends) => this with { Expires = ends };

    /// <summary>Two are the same only as the same object: a token is verified once, and comparing claims would be costly.</summary>
    public bool Equals(VerifiedToken? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
}
