using System.Net.Http.Headers;
using Microsoft.Net.Http.Headers;

namespace WorkloadProxy.Upstreams.AtProto.Dpop;

/// <summary>What a 401 says of DPoP: <paramref name="Error"/> is the challenge's <c>error</c> (RFC 9449 §7.1, §9), empty when it has none.</summary>
internal readonly record struct DpopChallenge(string Error)
{
    public const string UseNonce = "use_dpop_nonce", InvalidToken = "invalid_token";
    private const int MaxLength = 4096;
    private const string Scheme = "DPoP";

    /// <summary>The first challenge with that scheme, or null.</summary>
    public static DpopChallenge? Find(HttpResponseHeaders headers)
    {
        if (!headers.NonValidated.TryGetValues(HeaderNames.WWWAuthenticate, out var values)) return null;
        foreach (var value in values)
        {
            if (Parse(value) is { } found) return found;
        }
        return null;
    }

    /// <summary>
    /// Of one field value, which may hold several challenges (RFC 9110 §11.6.1): a comma ends a parameter or a challenge, and what has no <c>=</c> is the next
    /// scheme.
    /// </summary>
    public static DpopChallenge? Parse(string value)
    {
        if (value.Length > MaxLength) return null;
        string? error = null;
        var inside = false;
        for (var at = 0; at < value.Length;)
        {
            at += value.AsSpan(at).IndexOfAnyExcept(' ', '\t', ',') is var skip and >= 0 ? skip : value.Length - at;
            if (at == value.Length) break;
            var name = Take(value, ref at);
            if (at < value.Length && value[at] == '=')
            {
                at++;
                var content = at < value.Length && value[at] == '"' ? TakeQuoted(value, ref at) : Take(value, ref at);
                // the first counts: a second one of that name is a mistake whose meaning is open
                if (inside && name.Equals("error", StringComparison.OrdinalIgnoreCase)) error ??= content;
                continue;
            }
            if (inside) break;
            inside = name.Equals(Scheme, StringComparison.OrdinalIgnoreCase);
            // a character that belongs to no token: it is stepped over
            if (name.Length == 0) at++;
        }
        return inside || error is not null ? new(error ?? "") : null;
    }

    private static string Take(string value, ref int at)
    {
        var start = at;
        while (at < value.Length && value[at] is not (' ' or '\t' or ',' or '=' or '"')) at++;
        return value[start..at];
    }

    private static string TakeQuoted(string value, ref int at)
    {
        var start = ++at;
        while (at < value.Length && value[at] != '"') at += value[at] == '\\' && at + 1 < value.Length ? 2 : 1;
        var end = Math.Min(at, value.Length);
        at = Math.Min(at + 1, value.Length);
        return value[start..end];
    }
}
