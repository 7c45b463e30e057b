using System.Text;
using Microsoft.Extensions.Primitives;
using WorkloadProxy.Authentication;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>
/// What a git client presents: a bearer token, or <c>Basic</c> (RFC 7617) with any user and the token as the password. Either way it is judged as a bearer
/// token is.
/// </summary>
internal static class GitCredential
{
    private const string Basic = "Basic ";
    private const int MaxLength = 32 * 1024;

    public static BearerToken Read(StringValues authorization)
    {
        if (authorization is not [{ } header] || !header.StartsWith(Basic, StringComparison.OrdinalIgnoreCase)) return BearerToken.Read(authorization);
        var encoded = header.AsSpan(Basic.Length).Trim(' ');
        var bytes = new byte[Math.Min(encoded.Length, MaxLength)];
        if (encoded.Length > MaxLength || !Convert.TryFromBase64Chars(encoded, bytes, out var length)) return new(BearerTokenKind.Malformed, default);
        var pair = Encoding.Latin1.GetString(bytes, 0, length);
        var colon = pair.IndexOf(':');
        return colon < 0 ? new(BearerTokenKind.Malformed, default) : BearerToken.Read($"Bearer {pair[(colon + 1)..]}");
    }
}
