namespace WorkloadProxy.Issuing;

/// <summary>A scoped token that was just minted, with what the caller and the audit are told of it.</summary>
internal sealed record IssuedToken
{
    /// <summary>The JWT, in ASCII. Only the response may hold it.</summary>
    public required byte[] Token { get; init; }
    /// <summary>The <c>aud</c>.</summary>
    public required string Audience { get; init; }
    public required string Subject { get; init; }
    /// <summary>The <c>jti</c>.</summary>
    public required string Id { get; init; }
    public required DateTimeOffset Expires { get; init; }
    public required int LifetimeSeconds { get; init; }
    /// <summary>Lower-case hexadecimal SHA-256 of <see cref="Token"/>, for the audit.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Without the token itself: a record's text would hold it.</summary>
    public override string ToString() => $"token {Id} for {Audience}";
}
