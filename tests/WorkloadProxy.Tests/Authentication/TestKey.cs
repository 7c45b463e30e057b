using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Tests.Authentication;

/// <summary>An issuer's key, with tokens written by hand: what a library would refuse to write can be written too.</summary>
internal sealed class TestKey
{
    private static readonly Lazy<TestKey> one = new(() => Rsa("one"));
    private static readonly Lazy<TestKey> other = new(() => Rsa("other"));
    private readonly RSA? rsa;
    private readonly ECDsa? ec;

    private TestKey(string? kid, RSA? rsa, ECDsa? ec)
    {
        Kid = kid;
        this.rsa = rsa;
        this.ec = ec;
    }

    public static TestKey One => one.Value;
    public static TestKey Other => other.Value;
    public string? Kid { get; }
    public string Pem => rsa!.ExportSubjectPublicKeyInfoPem();

    public static TestKey Rsa(string? kid, int bits = 2048) => new(kid, RSA.Create(bits), null);
    public static TestKey Ec(string? kid, ECCurve? curve = null) => new(kid, null, ECDsa.Create(curve ?? ECCurve.NamedCurves.nistP256));

    /// <summary>The same key under another name.</summary>
    public TestKey Named(string? kid) => new(kid, rsa, ec);

    /// <summary>The public JWK; a member of <paramref name="more"/> that is null is left out.</summary>
    public string Jwk(params (string Name, object? Value)[] more)
    {
        var members = new Dictionary<string, object?>();
        if (Kid is not null) members["kid"] = Kid;
        if (rsa is not null)
        {
            var parameters = rsa.ExportParameters(false);
            (members["kty"], members["n"], members["e"]) = ("RSA", Url(parameters.Modulus!), Url(parameters.Exponent!));
        }
        else
        {
            var parameters = ec!.ExportParameters(false);
            (members["kty"], members["x"], members["y"]) = ("EC", Url(parameters.Q.X!), Url(parameters.Q.Y!));
            members["crv"] = ec.KeySize switch { 256 => "P-256", 384 => "P-384", _ => "P-521" };
        }

        foreach (var (name, value) in more)
        {
            if (value is null) members.Remove(name);
            else members[name] = value;
        }

        return JsonSerializer.Serialize(members);
    }

    public static string Jwks(params string[] keys) => $$"""{"keys":[{{string.Join(',', keys)}}]}""";

    /// <summary>A signed token of exactly these texts.</summary>
    public string Token(string header, string claims, string algorithm = "RS256",
        DSASignatureFormat format = DSASignatureFormat.IeeeP1363FixedFieldConcatenation) =>
        Token(Encoding.UTF8.GetBytes(header), Encoding.UTF8.GetBytes(claims), algorithm, format);

    public string Token(byte[] header, byte[] claims, string algorithm = "RS256",
        DSASignatureFormat format = DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
    {
        var input = $"{Url(header)}.{Url(claims)}";
        return $"{input}.{Url(Sign(Encoding.ASCII.GetBytes(input), algorithm, format))}";
    }

    /// <summary>A token with an ordinary header.</summary>
    public string Token(Dictionary<string, object?> claims, string algorithm = "RS256")
    {
        var header = new Dictionary<string, object?> { ["alg"] = algorithm, ["typ"] = "JWT" };
        if (Kid is not null) header["kid"] = Kid;
        return Token(JsonSerializer.Serialize(header), JsonSerializer.Serialize(claims), algorithm);
    }

    public static string Url(byte[] bytes) => Base64Url.EncodeToString(bytes);
    public static string Url(string text) => Url(Encoding.UTF8.GetBytes(text));

    private byte[] Sign(byte[] input, string algorithm, DSASignatureFormat format)
    {
        var hash = algorithm[^3..] switch { "384" => HashAlgorithmName.SHA384, "512" => HashAlgorithmName.SHA512, _ => HashAlgorithmName.SHA256 };
        return rsa is not null
            ? rsa.SignData(input, hash, algorithm.StartsWith("PS", StringComparison.Ordinal) ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1)
            : ec!.SignData(input, hash, format);
    }
}
