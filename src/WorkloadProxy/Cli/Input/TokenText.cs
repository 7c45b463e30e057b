using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Input;

/// <summary>A JWT from a file, taken apart and not verified.</summary>
internal sealed record TokenText(Claims Header, Claims Claims)
{
    public static bool TryParse(byte[] content, [NotNullWhen(true)] out TokenText? token, [NotNullWhen(false)] out string? error)
    {
        token = null;
        var parts = WithoutScheme(Encoding.UTF8.GetString(content).Trim()).Split('.');
        if (parts.Length != 3)
        {
            error = $"is not a JWT: it has {parts.Length} part{(parts.Length == 1 ? "" : "s")} between dots, expected 3";
            return false;
        }
        if (!TryDecode(parts[0], out var header, out error))
        {
            error = $"is not a JWT: its header {error}";
            return false;
        }
        if (!TryDecode(parts[1], out var claims, out error))
        {
            error = $"is not a JWT: its second part {error}";
            return false;
        }
        token = new(header, claims);
        return true;
    }

    /// <summary>Whoever copies a header brings its scheme along.</summary>
    private static string WithoutScheme(string text) =>
        text.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? text["Bearer ".Length..].TrimStart() : text;

    private static bool TryDecode(string part, [NotNullWhen(true)] out Claims? json, [NotNullWhen(false)] out string? error)
    {
        json = null;
        if (!Base64Url.IsValid(part))
        {
            error = "is not base64url";
            return false;
        }
        if (Claims.TryParse(Base64Url.DecodeFromChars(part), out json, out _))
        {
            error = null;
            return true;
        }
        error = "is not a JSON object without duplicate names";
        return false;
    }
}
