using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace WorkloadProxy.Tokens;

/// <summary>
/// A public key that may verify signatures, made of nothing but its material: whatever else a JWK says was judged when it was read. While an issuer publishes
/// the same key, it is the same object; tokens verified with it hold on to it and see <see cref="IsUsable"/> end when it leaves the issuer's keys.
/// </summary>
internal sealed class VerificationKey
{
    private const int MinRsaBits = 2048;
    private const int MaxRsaBits = 8192;
    private const int MaxExponentBytes = 8;

    /// <summary>The library's own cache would keep keys that an issuer has withdrawn.</summary>
    private static readonly CryptoProviderFactory Providers = new() { CacheSignatureProviders = false };

    private readonly ConcurrentDictionary<SignatureAlgorithm, SignatureProvider> providers = new();
    private readonly JsonWebKey material;
    private readonly string? statedAlgorithm;
    private readonly int modulusLength;
    private long usableUntil;

    private VerificationKey(string? keyId, string? statedAlgorithm, JsonWebKey material, int modulusLength)
    {
        KeyId = keyId;
        this.statedAlgorithm = statedAlgorithm;
        this.material = material;
        this.modulusLength = modulusLength;
    }

    public string? KeyId { get; }

    /// <summary>
    /// The key of a JWK Set's member (RFC 7517), or null when it doesn't count: RSA under 2048 bits, a use other than signatures, symmetric, malformed, or with
    /// its private part published.
    /// </summary>
    public static VerificationKey? TryCreate(JsonElement jwk)
    {
        if (jwk.ValueKind != JsonValueKind.Object || jwk.TryGetProperty("d", out _) || jwk.TryGetProperty("k", out _)) return null;
        if (!TryReadOptional(jwk, "kid", out var keyId) || !TryReadOptional(jwk, "alg", out var algorithm) || !TryReadOptional(jwk, "use", out var use))
            return null;
        if (use is not (null or "sig")) return null;
        if (jwk.TryGetProperty("key_ops", out var operations)
            && (operations.ValueKind != JsonValueKind.Array
                || !operations.EnumerateArray().Any(o => o.ValueKind == JsonValueKind.String && o.ValueEquals("verify")))) return null;
        return TryReadOptional(jwk, "kty", out var type) && TryReadOptional(jwk, "n", out var n) && TryReadOptional(jwk, "e", out var e)
            && TryReadOptional(jwk, "crv", out var curve) && TryReadOptional(jwk, "x", out var x) && TryReadOptional(jwk, "y", out var y)
            ? TryCreate(keyId, algorithm, type, n, e, curve, x, y)
            : null;
    }

    /// <summary>One of our own public keys.</summary>
    public static VerificationKey? TryCreate(JsonWebKey jwk) => TryCreate(jwk.Kid, jwk.Alg, jwk.Kty, jwk.N, jwk.E, jwk.Crv, jwk.X, jwk.Y);

    /// <summary>Whether tokens verified with it are still good. No lock: asked at each request.</summary>
    public bool IsUsable(DateTimeOffset now) => now.UtcTicks < Volatile.Read(ref usableUntil);

    public void UseUntil(DateTimeOffset time) => Volatile.Write(ref usableUntil, time.UtcTicks);

    public void Retire() => Volatile.Write(ref usableUntil, 0);

    /// <summary>The same material under the same name, for the same use.</summary>
    public bool IsSameAs(VerificationKey other) =>
        KeyId == other.KeyId && statedAlgorithm == other.statedAlgorithm && material.Kty == other.material.Kty && material.N == other.material.N
        && material.E == other.material.E && material.Crv == other.material.Crv && material.X == other.material.X && material.Y == other.material.Y;

    /// <summary>Whether the key's type, curve and stated <c>alg</c> are those of the header's algorithm.</summary>
    public bool Agrees(SignatureAlgorithm algorithm) =>
        material.Kty == algorithm.KeyType && (algorithm.Curve is null || material.Crv == algorithm.Curve)
        && (statedAlgorithm is null || statedAlgorithm == algorithm.Name);

    public bool Verifies(JwtDocument jwt)
    {
        if (!Agrees(jwt.Algorithm)) return false;
        // the fixed-length form of RFC 7518 §3.4 only: DER would be a second spelling of one signature
        if (jwt.Signature.Length != (modulusLength > 0 ? modulusLength : jwt.Algorithm.SignatureLength)) return false;
        var provider = providers.GetOrAdd(jwt.Algorithm, static (algorithm, key) => Providers.CreateForVerifying(key, algorithm.Name), material);
        return provider.Verify(jwt.SigningInput, 0, jwt.SigningInput.Length, jwt.Signature, 0, jwt.Signature.Length);
    }

    private static VerificationKey? TryCreate(string? keyId, string? algorithm, string? type, string? n, string? e, string? curve, string? x, string? y)
    {
        if (type == "RSA")
        {
            if (!CanonicalBase64Url.TryDecode(n, out var modulus) || !CanonicalBase64Url.TryDecode(e, out var exponent)) return null;
            // a modulus written with a leading zero byte is common, and the same number
            modulus = WithoutLeadingZeros(modulus);
            exponent = WithoutLeadingZeros(exponent);
            if (modulus.Length == 0 || modulus.Length * 8 > MaxRsaBits || (modulus.Length - 1) * 8 + BitLength(modulus[0]) < MinRsaBits
                || (modulus[^1] & 1) == 0)
                return null;
            if (exponent.Length is 0 or > MaxExponentBytes || (exponent[^1] & 1) == 0 || exponent is [1]) return null;
            var key = new JsonWebKey { Kty = "RSA", N = Base64UrlEncoder.Encode(modulus), E = Base64UrlEncoder.Encode(exponent) };
            return new VerificationKey(keyId, algorithm, key, modulus.Length);
        }

        if (type == "EC")
        {
            var (length, named) = curve switch
            {
                "P-256" => (32, ECCurve.NamedCurves.nistP256),
                "P-384" => (48, ECCurve.NamedCurves.nistP384),
                "P-521" => (66, ECCurve.NamedCurves.nistP521),
                _ => default,
            };
            if (length == 0 || !CanonicalBase64Url.TryDecode(x, out var left) || !CanonicalBase64Url.TryDecode(y, out var right)) return null;
            if (left.Length != length || right.Length != length || !IsOnCurve(named, left, right)) return null;
            return new VerificationKey(keyId, algorithm, new JsonWebKey { Kty = "EC", Crv = curve, X = x, Y = y }, 0);
        }

        return null;
    }

    private static bool IsOnCurve(ECCurve curve, byte[] x, byte[] y)
    {
        try
        {
            using var key = ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = x, Y = y } });
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static byte[] WithoutLeadingZeros(byte[] number) => number.AsSpan().TrimStart((byte)0).ToArray();

    private static int BitLength(byte value) => 8 - (System.Numerics.BitOperations.LeadingZeroCount(value) - 24);

    /// <summary>True with null when absent; false when it is no string.</summary>
    private static bool TryReadOptional(JsonElement jwk, string name, out string? value)
    {
        value = null;
        if (!jwk.TryGetProperty(name, out var member)) return true;
        if (member.ValueKind != JsonValueKind.String) return false;
        value = member.GetString();
        return true;
    }
}
