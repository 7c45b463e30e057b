using System.Buffers;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;

namespace WorkloadProxy.Tokens;

/// <summary>
/// One key pair of ours. It is published from <see cref="Published"/> on and signs from <see cref="SignsFrom"/> until another key's turn comes.
/// </summary>
internal sealed class SigningKey
{
    private const int MaxSignatureSize = 512;
    // OpenSSL's key objects guard their state with locks: one object for each signature under way
    private readonly ConcurrentBag<AsymmetricAlgorithm> idle = [];
    private readonly byte[] privateKey;
    private readonly byte[] header;

    private SigningKey(string algorithm, byte[] privateKey, DateTimeOffset published, DateTimeOffset signsFrom)
    {
        this.privateKey = privateKey;
        Algorithm = algorithm;
        Published = published;
        SignsFrom = signsFrom;
        var pair = Import();
        idle.Add(pair);
        PublicKey = PublicPart(pair, algorithm);
        header = Header("JWT");
    }

    /// <summary>The <c>kid</c>: the public key's RFC 7638 thumbprint.</summary>
    public string Id => PublicKey.Kid;
    /// <summary><c>RS256</c> or <c>ES256</c>.</summary>
    public string Algorithm { get; }
    public DateTimeOffset Published { get; }
    public DateTimeOffset SignsFrom { get; }
    public JsonWebKey PublicKey { get; }

    /// <summary>A new key pair.</summary>
    public static SigningKey Create(string algorithm, DateTimeOffset published, DateTimeOffset signsFrom)
    {
        using AsymmetricAlgorithm pair = algorithm switch
        {
            "RS256" => RSA.Create(2048),
            "ES256" => ECDsa.Create(ECCurve.NamedCurves.nistP256),
            _ => throw new ArgumentException($"no key can be made for `{algorithm}`", nameof(algorithm)),
        };
        return new SigningKey(algorithm, pair.ExportPkcs8PrivateKey(), published, signsFrom);
    }

    /// <summary>A key pair as <see cref="Export"/> gave it.</summary>
    public static SigningKey Restore(string algorithm, byte[] privateKey, DateTimeOffset published, DateTimeOffset signsFrom) =>
        new(algorithm, privateKey, published, signsFrom);

    /// <summary>The private key, PKCS #8.</summary>
    public byte[] Export() => privateKey;

    /// <summary>The JWT with these claims (a JSON object's UTF-8 text), in compact form: ASCII.</summary>
    public byte[] Sign(ReadOnlySpan<byte> claims) => Sign(claims, header);

    /// <summary>The same with another <c>typ</c>, so that it is accepted only where that is expected.</summary>
    public byte[] Sign(ReadOnlySpan<byte> claims, string type) => Sign(claims, Header(type));

    private byte[] Sign(ReadOnlySpan<byte> claims, byte[] header)
    {
        var size = header.Length + Base64Url.GetEncodedLength(claims.Length) + Base64Url.GetEncodedLength(MaxSignatureSize) + 2;
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            header.CopyTo(buffer, 0);
            var length = header.Length;
            buffer[length++] = (byte)'.';
            length += Base64Url.EncodeToUtf8(claims, buffer.AsSpan(length));
            Span<byte> signature = stackalloc byte[MaxSignatureSize];
            var signatureLength = Sign(buffer.AsSpan(0, length), signature);
            buffer[length++] = (byte)'.';
            length += Base64Url.EncodeToUtf8(signature[..signatureLength], buffer.AsSpan(length));
            return buffer.AsSpan(0, length).ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private byte[] Header(string type) =>
        Encoding.ASCII.GetBytes(Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"alg":"{{Algorithm}}","kid":"{{Id}}","typ":"{{type}}"}""")));

    private int Sign(ReadOnlySpan<byte> input, Span<byte> signature)
    {
        if (!idle.TryTake(out var pair)) pair = Import();
        try
        {
            return pair is RSA rsa
                ? rsa.SignData(input, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                : ((ECDsa)pair).SignData(input, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        finally
        {
            idle.Add(pair);
        }
    }

    private AsymmetricAlgorithm Import()
    {
        AsymmetricAlgorithm pair = Algorithm == "RS256" ? RSA.Create() : ECDsa.Create();
        pair.ImportPkcs8PrivateKey(privateKey, out _);
        return pair;
    }

    private static JsonWebKey PublicPart(AsymmetricAlgorithm pair, string algorithm)
    {
        var key = pair is RSA rsa
            ? JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(rsa.ExportParameters(includePrivateParameters: false)))
            : PublicPart(((ECDsa)pair).ExportParameters(includePrivateParameters: false));
        key.Alg = algorithm;
        key.Use = "sig";
        key.Kid = Base64Url.EncodeToString(key.ComputeJwkThumbprint());
        return key;
    }

    private static JsonWebKey PublicPart(ECParameters point) =>
        new() { Kty = "EC", Crv = "P-256", X = Base64Url.EncodeToString(point.Q.X), Y = Base64Url.EncodeToString(point.Q.Y) };
}
