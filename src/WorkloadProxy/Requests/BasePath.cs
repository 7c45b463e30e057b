using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Requests;

/// <summary>
/// The path of <c>PublicUrl</c>, below which everything is served: discovery of an issuer <c>https://host/base</c> lies at
/// <c>/base/.well-known/openid-configuration</c>.
/// </summary>
internal sealed class BasePath(string publicUrl)
{
    private readonly string prefix = Uri.TryCreate(publicUrl, UriKind.Absolute, out var url) ? url.AbsolutePath.TrimEnd('/') : "";

    /// <summary>
    /// The target below it; false when it lies elsewhere. Compared as it came: another spelling is another path. What is no path at all stays as it is, for
    /// others to refuse.
    /// </summary>
    public bool TryStrip(string rawTarget, [NotNullWhen(true)] out string? below)
    {
        below = rawTarget;
        if (prefix.Length == 0 || !rawTarget.StartsWith('/')) return true;
        below = null;
        if (!rawTarget.StartsWith(prefix, StringComparison.Ordinal)) return false;
        var rest = rawTarget.AsSpan(prefix.Length);
        below = rest is [] ? "/" : rest[0] == '/' ? rest.ToString() : rest[0] == '?' ? $"/{rest}" : null;
        return below is not null;
    }

    /// <summary>Why a target elsewhere is refused. A caller without a token gets 401, as everywhere.</summary>
    public Failure Elsewhere() => new(ErrorId.Forbidden, $"nothing is served outside `{prefix}/`");
}
