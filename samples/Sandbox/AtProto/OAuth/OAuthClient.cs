using System.Text.Json;

namespace Sandbox.AtProto.OAuth;

/// <summary>A client that has shown who it is; <paramref name="KeyId"/> is null for a public one.</summary>
internal sealed record OAuthClient(string Id, string? KeyId, ClientDocument Document);

/// <summary>What a client says of itself.</summary>
internal sealed record ClientDocument(IReadOnlyList<string> RedirectUris, IReadOnlyList<string> Scopes, IReadOnlyDictionary<string, JsonElement> Keys,
    bool IsLoopback, DateTimeOffset Read)
{
    /// <summary>Loopback redirects match whatever their port (RFC 8252 §7.3).</summary>
    public bool Allows(string redirect) =>
        RedirectUris.Contains(redirect) || (IsLoopback && Uri.TryCreate(redirect, UriKind.Absolute, out var asked) && asked.Host is "127.0.0.1" or "[::1]"
        && RedirectUris.Any(uri => Uri.TryCreate(uri, UriKind.Absolute, out var own) && own.Host == asked.Host && own.AbsolutePath == asked.AbsolutePath));
}
