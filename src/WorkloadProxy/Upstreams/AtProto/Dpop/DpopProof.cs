using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace WorkloadProxy.Upstreams.AtProto.Dpop;

/// <summary>Shows that whoever sends a request holds the key that its token is bound to (RFC 9449 §4.2). A proof serves for one request.</summary>
internal static class DpopProof
{
    private const int SignatureLength = 64;
    private const int TokenIdLength = 16;

    /// <param name="key">Of the session.</param>
    /// <param name="method">As sent.</param>
    /// <param name="url">As sent; its query is left out (RFC 9449 §4.2, <c>htu</c>).</param>
    /// <param name="nonce">The server's last, or null before it gave any.</param>
    /// <param name="accessToken">The token beside the proof; null at the authorization server.</param>
    /// <param name="time">Now.</param>
    public static string Create(DpopKey key, string method, string url, string? nonce, string? accessToken, DateTimeOffset time)
    {
        var claims = new ArrayBufferWriter<byte>(512);
        WriteClaims(claims, method, WithoutQuery(url), nonce, accessToken, time);
        var length = key.Header.Length + 1 + Base64Url.GetEncodedLength(claims.WrittenCount);
        var proof = new byte[length + 1 + Base64Url.GetEncodedLength(SignatureLength)];
        Encoding.ASCII.GetBytes(key.Header, proof);
        proof[key.Header.Length] = (byte)'.';
        Base64Url.EncodeToUtf8(claims.WrittenSpan, proof.AsSpan(key.Header.Length + 1));
        Span<byte> signature = stackalloc byte[SignatureLength];
        key.Sign(proof.AsSpan(0, length), signature);
        proof[length] = (byte)'.';
        Base64Url.EncodeToUtf8(signature, proof.AsSpan(length + 1));
        return Encoding.ASCII.GetString(proof);
    }

    private static void WriteClaims(ArrayBufferWriter<byte> to, string method, ReadOnlySpan<char> url, string? nonce, string? accessToken, DateTimeOffset time)
    {
        Span<byte> id = stackalloc byte[TokenIdLength];
        RandomNumberGenerator.Fill(id);
        using var json = new Utf8JsonWriter(to);
        json.WriteStartObject();
        json.WriteString("jti"u8, Base64Url.EncodeToString(id));
        json.WriteString("htm"u8, method);
        json.WriteString("htu"u8, url);
        json.WriteNumber("iat"u8, time.ToUnixTimeSeconds());
        if (accessToken is not null) json.WriteString("ath"u8, Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(accessToken))));
        if (nonce is not null) json.WriteString("nonce"u8, nonce);
        json.WriteEndObject();
    }

    private static ReadOnlySpan<char> WithoutQuery(string url)
    {
        var end = url.AsSpan().IndexOfAny('?', '#');
        return end < 0 ? url : url.AsSpan(0, end);
    }
}
