using Microsoft.IdentityModel.Tokens;

namespace WorkloadProxy.Tokens;

/// <summary>Our own issuer's public keys, from the signing keys and never over the network.</summary>
internal sealed class OwnKeys(SigningKeys signingKeys)
{
    private sealed record Snapshot(IReadOnlyList<JsonWebKey> Source, KeySet Keys);

    private readonly Lock gate = new();
    private Snapshot? snapshot;

    /// <summary>The keys now. Reading it also retires keys that are gone, so it is read before a cached token's key is asked whether it is usable.</summary>
    public KeySet Current
    {
        get
        {
            var source = signingKeys.PublicKeys;
            var known = Volatile.Read(ref snapshot);
            return known is not null && ReferenceEquals(known.Source, source) ? known.Keys : Replace(source);
        }
    }

    private KeySet Replace(IReadOnlyList<JsonWebKey> source)
    {
        lock (gate)
        {
            if (snapshot is not null && ReferenceEquals(snapshot.Source, source)) return snapshot.Keys;
            var keys = KeySet.From(source.Select(VerificationKey.TryCreate)).Replacing(snapshot?.Keys, DateTimeOffset.MaxValue);
            Volatile.Write(ref snapshot, new Snapshot(source, keys));
            return keys;
        }
    }
}
