using System.Text;
using Microsoft.Net.Http.Headers;
using WorkloadProxy.Configuration;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Credentials;

/// <summary>
/// What the upstream wants, ready to be put into requests: headers or a query parameter (<see cref="QueryName"/>, <see cref="QueryPair"/>). Immutable: a
/// changed secret is another credential, and so is one that is computed for each request.
/// </summary>
internal sealed class Credential
{
    private readonly string[] secretForms;

    private Credential(params string[] secretForms) =>
        this.secretForms = [.. secretForms.Where(form => form.Length > 0).Distinct().OrderByDescending(form => form.Length)];

    /// <summary>Puts nothing in.</summary>
    public static Credential None { get; } = new();

    public CredentialHeader[] Headers { get; private init; } = [];
    public string? QueryName { get; private init; }
    /// <summary><c>name=value</c>, percent-encoded.</summary>
    public Secret? QueryPair { get; private init; }

    /// <summary>Nothing is put in, so what the upstream says of credentials speaks of none of ours.</summary>
    public bool IsNone => Headers.Length == 0 && QueryPair is null;

    /// <summary>Whether a header of that name is put in.</summary>
    public bool HasHeader(string name)
    {
        foreach (var header in Headers)
        {
            if (name.Equals(header.Name, StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }

    /// <summary>The token of <c>Authorization: Bearer</c>; null for another kind of credential.</summary>
    public Secret? BearerToken { get; private init; }

    /// <summary>What the kind that made it wants to know again when it judges the answer.</summary>
    public object? Sent { get; private set; }

    /// <summary>The same, with <see cref="Sent"/>.</summary>
    public Credential With(object sent)
    {
        var copy = (Credential)MemberwiseClone();
        copy.Sent = sent;
        return copy;
    }

    /// <summary>A credential of <paramref name="headers"/>; none of the <paramref name="secrets"/> comes back to a caller in a header.</summary>
    public static Credential FromHeaders(IEnumerable<string> secrets, params CredentialHeader[] headers) => new([.. secrets]) { Headers = headers };

    /// <summary><c>Authorization: Bearer</c></summary>
    public static Credential FromBearer(string token) => new(token, Uri.EscapeDataString(token))
    {
        Headers = [new(HeaderNames.Authorization, new($"Bearer {token}"))],
        BearerToken = new(token),
    };

    public static Credential Create(CredentialOptions options, string secret)
    {
        switch (options.Kind)
        {
            case CredentialKind.Bearer:
                return FromBearer(secret);
            case CredentialKind.Header:
                return new(secret, Uri.EscapeDataString(secret)) { Headers = [new(options.Name!, new(Format(options.Format, secret)))] };
            case CredentialKind.Basic:
                var pair = options.Username is null ? secret : $"{options.Username}:{secret}";
                var encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(pair));
                return new(encoded, pair[(pair.IndexOf(':') + 1)..]) { Headers = [new(HeaderNames.Authorization, new($"Basic {encoded}"))] };
            case CredentialKind.Query:
                var escaped = Uri.EscapeDataString(secret);
                return new(secret, escaped) { QueryName = options.Name, QueryPair = new($"{Uri.EscapeDataString(options.Name!)}={escaped}") };
            default:
                throw new InvalidOperationException($"a credential of kind {options.Kind} can't be made from a secret");
        }
    }

    /// <summary>The target with this credential's parameter in place of every one of that name that the caller sent.</summary>
    public string ApplyToQuery(string target)
    {
        if (QueryPair is null) return target;
        var question = target.IndexOf('?');
        if (question < 0) return $"{target}?{QueryPair.Reveal()}";
        var kept = target[(question + 1)..].Split('&').Where(pair => pair.Length > 0 && !IsQueryName(pair));
        return $"{target[..question]}?{string.Join('&', kept.Append(QueryPair.Reveal()))}";
    }

    private bool IsQueryName(string pair)
    {
        // `;` separates too for some upstreams, and some drop the spaces around a name
        return pair.Split(';')
            .Any(part => string.Equals(Uri.UnescapeDataString(part.Split('=')[0].Replace('+', ' ')).Trim(), QueryName, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary><paramref name="value"/> without the secret, should an upstream send it back; null when it isn't there.</summary>
    public string? Redact(string value)
    {
        string? redacted = null;
        foreach (var form in secretForms)
        {
            var text = redacted ?? value;
            if (text.Contains(form, StringComparison.Ordinal)) redacted = text.Replace(form, "***", StringComparison.Ordinal);
        }
        return redacted;
    }

    /// <summary>The secret in place of the format's one <c>{…}</c>; the secret alone without a format.</summary>
    private static string Format(string? format, string secret)
    {
        if (format is null) return secret;
        var open = format.IndexOf('{');
        var close = open < 0 ? -1 : format.IndexOf('}', open);
        return close < 0 ? format : $"{format[..open]}{secret}{format[(close + 1)..]}";
    }
}
