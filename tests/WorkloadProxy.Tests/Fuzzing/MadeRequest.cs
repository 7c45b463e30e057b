using System.Text.RegularExpressions;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>A request as it is meant, before a writer makes bytes of it. Text stands for bytes, in Latin-1.</summary>
internal sealed partial record MadeRequest(string Marker, FuzzCaller Caller, string Method, string Target, IReadOnlyList<(string Name, string Value)> Fields,
    byte[]? Body)
{
    /// <summary>It goes out as it is meant; false where its bytes were spoiled afterwards.</summary>
    public bool IsPlain { get; set; } = true;

    /// <summary>What the caller sends as <c>Authorization</c>.</summary>
    public string Authorization => Caller.Token is { } token ? $"Bearer {token}" : OwnToken;

    /// <summary>What has to arrive in its place.</summary>
    public string Credential => Caller.Secret is { } secret ? $"Bearer {secret}" : OwnToken;

    /// <summary>A user's own token, which is different in each request.</summary>
    private string OwnToken => $"Bearer u{Marker}";

    /// <summary>The markers in some bytes: each request has one of its own wherever it can hold one.</summary>
    public static IReadOnlySet<string> MarkersIn(string text) => Pattern().Matches(text).Select(match => match.Value).ToHashSet(StringComparer.Ordinal);

    [GeneratedRegex("zz[0-9a-f]{16}zz")]
    private static partial Regex Pattern();
}

/// <summary>Who sends it. <paramref name="Token"/> and <paramref name="Secret"/> are null for users' own tokens, which pass through.</summary>
internal sealed record FuzzCaller(string Name, string? Token, string? Secret);
