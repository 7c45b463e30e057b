using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;

namespace Sandbox.Tokens;

/// <summary>
/// A key that signs as it is told, also as no honest issuer would (<c>HS*</c> with a public key's bytes, a weak RSA key): tests need bad tokens too.
/// </summary>
public sealed class SigningKey : IDisposable
{
    private readonly AsymmetricAlgorithm? key;
    private readonly byte[]? secret;

    private SigningKey(string algorithm, string? kid, AsymmetricAlgorithm? key, byte[]? secret)
    {
        Algorithm = algorithm;
        this.key = key;
        this.secret = secret;
        Kid = kid ?? Convert.ToHexString(RandomNumberGenerator.GetBytes(20));
    }

    public string Algorithm { get; }
    public string Kid { get; }

    /// <summary><c>RS256</c>… or <c>PS256</c>….</summary>
    public static SigningKey Rsa(string algorithm = "RS256", int bits = 2048, string? kid = null) => new(algorithm, kid, RSA.Create(bits), null);

    /// <summary><c>ES256</c>, <c>ES384</c>, <c>ES512</c>, each on its curve.</summary>
    public static SigningKey Ecdsa(string algorithm = "ES256", string? kid = null) => new(algorithm, kid, ECDsa.Create(Curve(algorithm).Curve), null);

    /// <summary><c>HS256</c>…: nothing that a proxy may accept.</summary>
    public static SigningKey Symmetric(string algorithm, byte[] secret, string? kid = null) => new(algorithm, kid, null, secret);

    /// <summary>The same key under another algorithm or id.</summary>
    public SigningKey As(string algorithm, string? kid = null) => new(algorithm, kid ?? Kid, key, secret);

    public byte[] Sign(ReadOnlySpan<byte> input)
    {
        var hash = Hash();
        return key switch
        {
            RSA rsa => rsa.SignData(input, hash, Algorithm.StartsWith("PS", StringComparison.Ordinal) ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1),
            ECDsa ecdsa => ecdsa.SignData(input, hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
            _ => Hmac(input),
        };
    }

    /// <summary>The public half as a JSON Web Key (RFC 7517), as issuers publish it.</summary>
    public JsonObject Jwk()
    {
        var jwk = new JsonObject { ["use"] = "sig", ["alg"] = Algorithm, ["kid"] = Kid };
        if (key is RSA rsa)
        {
            var parameters = rsa.ExportParameters(false);
            jwk["kty"] = "RSA";
            jwk["n"] = Base64Url.EncodeToString(parameters.Modulus);
            jwk["e"] = Base64Url.EncodeToString(parameters.Exponent);
        }
        else if (key is ECDsa ecdsa)
        {
            var parameters = ecdsa.ExportParameters(false);
            jwk["kty"] = "EC";
            jwk["crv"] = Curve(Algorithm).Name;
            jwk["x"] = Base64Url.EncodeToString(parameters.Q.X);
            jwk["y"] = Base64Url.EncodeToString(parameters.Q.Y);
        }
        else throw new InvalidOperationException("a shared secret has no public half");
        return jwk;
    }

    /// <summary>The key as a library signs with it; null where none would: a shared secret, a short RSA key, an algorithm of another kind of key.</summary>
    internal SecurityKey? ForLibrary() => key switch
    {
        RSA { KeySize: >= 2048 } rsa when Algorithm is ['R' or 'P', 'S', ..] => new RsaSecurityKey(rsa) { KeyId = Kid },
        ECDsa ecdsa when Algorithm.StartsWith("ES", StringComparison.Ordinal)
            && ecdsa.KeySize == Curve(Algorithm).Size => new ECDsaSecurityKey(ecdsa) { KeyId = Kid },
        _ => null,
    };

    /// <summary>The public half in PEM, for the classic confusion of a public key with an HMAC secret.</summary>
    public byte[] PublicPem() =>
        Encoding.ASCII.GetBytes((key ?? throw new InvalidOperationException("a shared secret has no public half")).ExportSubjectPublicKeyInfoPem());

    /// <summary>The private key in PEM (PKCS #8), for programs that sign on their own.</summary>
    public string PrivatePem() => (key ?? throw new InvalidOperationException("a shared secret has no key")).ExportPkcs8PrivateKeyPem();

    public void Dispose() => key?.Dispose();

    private HashAlgorithmName Hash() =>
        Algorithm[^3..] switch { "384" => HashAlgorithmName.SHA384, "512" => HashAlgorithmName.SHA512, _ => HashAlgorithmName.SHA256 };

    private byte[] Hmac(ReadOnlySpan<byte> input) => Algorithm[^3..] switch
    {
        "384" => HMACSHA384.HashData(secret!, input),
        "512" => HMACSHA512.HashData(secret!, input),
        _ => HMACSHA256.HashData(secret!, input),
    };

    private static (ECCurve Curve, string Name, int Size) Curve(string algorithm) => algorithm switch
    {
        "ES384" => (ECCurve.NamedCurves.nistP384, "P-384", 384),
        "ES512" => (ECCurve.NamedCurves.nistP521, "P-521", 521),
        _ => (ECCurve.NamedCurves.nistP256, "P-256", 256),
    };
}
