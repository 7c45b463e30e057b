using System.Security.Cryptography;
using System.Text;

namespace WorkloadProxy.Cli.Agents;

/// <summary>Which token is wanted: from where, for which context, and whether it is exchanged for a role's.</summary>
internal sealed record TokenRequest
{
    /// <summary>Of the proxy; needed for an exchange.</summary>
    public Uri? Proxy { get; init; }
    public string? Context { get; init; }
    /// <summary>What the identity token is asked for; the context unless it says otherwise.</summary>
    public string? Audience { get; init; }
    public string? Role { get; init; }
    public int? Lifetime { get; init; }
    public required string Source { get; init; }
    /// <summary>Where the files of a virtual machine or a pod begin.</summary>
    public string Root { get; init; } = "/";
    /// <summary>A command that prints the identity token, in place of a source.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>The <c>sub</c> that the exchange asks for.</summary>
    public string Subject => Role!.StartsWith("actx:", StringComparison.Ordinal) ? Role : $"actx:{Context![(Context!.IndexOf('=') + 1)..]}:role:{Role}";

    /// <summary>A name for what this request gets, and nothing else does: another job on the same machine has another <paramref name="identity"/>.</summary>
    public string Key(string identity)
    {
        var text = new StringBuilder();
        foreach (var part in (string?[])[Proxy?.AbsoluteUri, Context, Audience, Role, Lifetime?.ToString(), Source, identity, .. Command])
            text.Append(part?.Length ?? -1).Append(':').Append(part);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..32];
    }
}
