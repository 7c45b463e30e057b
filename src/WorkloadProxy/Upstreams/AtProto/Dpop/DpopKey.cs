using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace WorkloadProxy.Upstreams.AtProto.Dpop;

/// <summary>The ES256 key pair of one session, which its tokens are bound to (RFC 9449). It serves for nothing else.</summary>
internal sealed class DpopKey
{
    // OpenSSL's key objects guard their state with locks: one object for each signature under way
    private readonly ConcurrentBag<ECDsa> idle = [];
    private readonly byte[] privateKey;

    private DpopKey(byte[] privateKey)
    {
        this.privateKey = privateKey;
        var pair = Import();
        idle.Add(pair);
        var point = pair.ExportParameters(includePrivateParameters: false).Q;
        // the members that RFC 7638 §3.2 hashes, in its order: the thumbprint is taken of this very text
        PublicJwk = $$"""{"crv":"P-256","kty":"EC","x":"{{Base64Url.EncodeToString(point.X)}}","y":"{{Base64Url.EncodeToString(point.Y)}}"}""";
        Thumbprint = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(PublicJwk)));
        Header = Base64Url.EncodeToString(Encoding.ASCII.GetBytes($$"""{"typ":"dpop+jwt","alg":"ES256","jwk":{{PublicJwk}}}"""));
    }

    /// <summary>The public key as a JWK (JSON).</summary>
    public string PublicJwk { get; }

    /// <summary>The public key's RFC 7638 thumbprint, which also names the session among nonces.</summary>
    public string Thumbprint { get; }

    /// <summary>Of its proofs, encoded.</summary>
    internal string Header { get; }

    public static DpopKey Create()
    {
        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new DpopKey(pair.ExportPkcs8PrivateKey());
    }

    /// <summary>A key as <see cref="Export"/> gave it. Throws <see cref="CryptographicException"/> for anything else.</summary>
    public static DpopKey Restore(byte[] privateKey) => new(privateKey);

    /// <summary>The private key, PKCS #8: to be sealed, never to be shown.</summary>
    public byte[] Export() => privateKey;

    public override string ToString() => Thumbprint;

    /// <summary>Signs in the fixed-length form that RFC 7518 §3.4 asks for; 64 bytes.</summary>
    internal void Sign(ReadOnlySpan<byte> input, Span<byte> signature)
    {
        if (!idle.TryTake(out var pair)) pair = Import();
        try
        {
            pair.SignData(input, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        finally
        {
            idle.Add(pair);
        }
    }

    private ECDsa Import()
    {
        var pair = ECDsa.Create();
        pair.ImportPkcs8PrivateKey(privateKey, out _);
        if (pair.KeySize == 256) return pair;
        pair.Dispose();
        throw new CryptographicException("the key is not on P-256");
    }
}
