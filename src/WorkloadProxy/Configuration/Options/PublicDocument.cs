using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Configuration.Options;

/// <summary>
/// A document that anyone may read: a JSON object. What Terraform and OpenTofu take from it for signing in is checked, for they tell a user little when it is
/// wrong.
/// </summary>
internal static class PublicDocument
{
    public const int MaxLength = 1024 * 1024;
    private const int MaxDepth = 64;

    public static JsonSerializerOptions Plain { get; } = new() { Encoder = ReadableJson.Encoder };

    /// <summary>The document as the file holds it now.</summary>
    public static bool TryRead(string file, [NotNullWhen(true)] out byte[]? content, [NotNullWhen(false)] out string? problem)
    {
        (content, problem) = (null, null);
        byte[] text;
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            text = new byte[Math.Min(stream.Length, MaxLength) + 1];
            var length = stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
            Array.Resize(ref text, length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            problem = $"can't be read: {error.Message}";
            return false;
        }
        if (text.Length > MaxLength) problem = $"holds more than {MaxLength} bytes";
        else if (StrictJson.TryParseObject(text, MaxDepth, out var json, out problem))
        {
            using (json) problem = Check(json.RootElement);
        }
        if (problem is null) content = text;
        return content is not null;
    }

    /// <summary>What is wrong with a discovery document's <c>login.v1</c>; null when it has none.</summary>
    public static string? Check(JsonElement document)
    {
        if (!document.TryGetProperty("login.v1", out var login)) return null;
        if (login.ValueKind != JsonValueKind.Object) return "has a `login.v1` that is not an object";
        foreach (var name in (ReadOnlySpan<string>)["authz", "token"])
        {
            if (!login.TryGetProperty(name, out var value)) return $"has a `login.v1` without `{name}`, expected an absolute http or https address";
            if (value.ValueKind != JsonValueKind.String || !IsAddress(value.GetString()!))
                return $"has a `login.v1` whose `{name}` is not an absolute http or https address";
        }
        return null;
    }

    private static bool IsAddress(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme is "http" or "https") && url.Host.Length > 0 && !text.Any(char.IsWhiteSpace);
}
