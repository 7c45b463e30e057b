using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Mcp;

/// <summary>
/// Binds a server's session and task ids to the caller that got them. All callers of a context share one credential, so the server itself can't tell them
/// apart: without this, whoever learns an id takes over the session. The names of the roles are part of it, or a weaker token of the same workload would read a
/// stronger one's stream.
/// </summary>
internal sealed class McpSeal(Sealer sealer)
{
    private const string Purpose = "mcp-session";
    private const int LongestId = 1024, MacSize = 16;
    private readonly byte[] taskKey = sealer.Derive("mcp-task");

    /// <summary>What an id is bound to.</summary>
    public static byte[] BindingOf(Caller caller, string server)
    {
        var text = new StringBuilder();
        foreach (var part in (string[])[caller.Token.ContextText, server, caller.Token.Issuer, caller.Token.Subject, caller.Token.Actor?.GetRawText() ?? "",
            .. caller.Grants.RoleNames.Order(StringComparer.Ordinal)])
            text.Append(part.Length).Append(':').Append(part);
        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }

    public string SealSession(string id, byte[] binding) => Base64Url.EncodeToString(sealer.Seal([.. binding, .. Encoding.Latin1.GetBytes(id)], Purpose));

    /// <summary>The server's own id; null for whatever this caller was not given.</summary>
    public string? OpenSession(string text, byte[] binding)
    {
        if (text.Length > 4 * LongestId || !Base64Url.IsValid(text)) return null;
        try
        {
            var opened = sealer.Open(Base64Url.DecodeFromChars(text), Purpose);
            return opened.Length > binding.Length && CryptographicOperations.FixedTimeEquals(opened.AsSpan(0, binding.Length), binding)
                ? Encoding.Latin1.GetString(opened.AsSpan(binding.Length)) : null;
        }
        catch (Exception error) when (error is CryptographicException or FormatException)
        {
            return null;
        }
    }

    /// <summary>One text for one caller, so that clients can compare ids.</summary>
    public string SealTask(string id, byte[] binding) => $"{Base64Url.EncodeToString(Mac(id, binding))}.{id}";

    /// <summary>The server's own id; null for whatever this caller was not given.</summary>
    public string? OpenTask(string text, byte[] binding)
    {
        var dot = text.IndexOf('.');
        return dot > 0 && text.Length <= 4 * LongestId && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(text[..dot]),
            Encoding.UTF8.GetBytes(Base64Url.EncodeToString(Mac(text[(dot + 1)..], binding))))
            ? text[(dot + 1)..] : null;
    }

    private byte[] Mac(string id, byte[] binding) => HMACSHA256.HashData(taskKey, (byte[])[.. binding, .. Encoding.UTF8.GetBytes(id)])[..MacSize];
}
