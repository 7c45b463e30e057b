using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Tokens;

/// <summary>The usable keys of one issuer, as one document gave them. Immutable; replaced whole.</summary>
internal sealed class KeySet
{
    private const int MaxDepth = 16;

    /// <summary>Signatures tried for one token: a document full of keys without a <c>kid</c> must not make forged tokens expensive.</summary>
    private const int MaxTried = 16;

    /// <summary>More than any issuer publishes.</summary>
    private const int MaxKeys = 100;

    private readonly ImmutableArray<VerificationKey> keys;

    private KeySet(ImmutableArray<VerificationKey> keys) => this.keys = keys;

    public int Count => keys.Length;

    /// <summary>Reads a JWK Set. Keys that don't count are left out, as RFC 7517 §5 has it; a text that is no JWK Set is refused.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> document, [NotNullWhen(true)] out KeySet? set, [NotNullWhen(false)] out string? error)
    {
        set = null;
        if (!StrictJson.TryParseObject(document, MaxDepth, out var json, out error)) return false;
        using var _ = json;
        if (!json.RootElement.TryGetProperty("keys", out var members) || members.ValueKind != JsonValueKind.Array)
        {
            error = "has no list `keys`";
            return false;
        }

        set = From(members.EnumerateArray().Take(MaxKeys).Select(VerificationKey.TryCreate));
        return true;
    }

    public static KeySet From(IEnumerable<VerificationKey?> keys) => new([.. keys.OfType<VerificationKey>()]);

    /// <summary>This set in place of <paramref name="previous"/>: a key that is in both stays the same object, one that is gone retires.</summary>
    public KeySet Replacing(KeySet? previous, DateTimeOffset usableUntil)
    {
        var old = previous?.keys ?? [];
        var merged = keys.Select(key => old.FirstOrDefault(key.IsSameAs) ?? key).ToImmutableArray();
        foreach (var key in merged) key.UseUntil(usableUntil);
        foreach (var key in old)
        {
            if (!merged.Contains(key)) key.Retire();
        }

        return new KeySet(merged);
    }

    public void UseUntil(DateTimeOffset time)
    {
        foreach (var key in keys) key.UseUntil(time);
    }

    public void Retire()
    {
        foreach (var key in keys) key.Retire();
    }

    /// <summary>Whether a key has this <c>kid</c>; none has the absent one.</summary>
    public bool Knows(string? keyId) => keyId is not null && keys.Any(key => key.KeyId == keyId);

    /// <summary>
    /// The key that verifies the token: one with its <c>kid</c>, or any when the token has none. A key that doesn't agree with the algorithm isn't tried.
    /// </summary>
    public VerificationKey? FindSigner(JwtDocument jwt) =>
        keys.Where(key => (jwt.KeyId is null || key.KeyId == jwt.KeyId) && key.Agrees(jwt.Algorithm)).Take(MaxTried).FirstOrDefault(key => key.Verifies(jwt));
}
