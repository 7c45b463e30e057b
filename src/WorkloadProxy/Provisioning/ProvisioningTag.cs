using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Provisioning;

/// <summary>The tag <c>oidc-sub:role:NAME</c>, by which whoever creates a VM asks for its identity.</summary>
internal static class ProvisioningTag
{
    public const string Prefix = "oidc-sub:";
    private const string RolePrefix = "role:";

    /// <summary>What a tag of DigitalOcean's may hold, less the colon that separates.</summary>
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>What the request's <c>tags</c> ask for (<c>role:NAME</c>); null when they ask for nothing, a failure when that is not clear.</summary>
    public static Failure? Read(JsonElement request, out string? subject)
    {
        subject = null;
        if (!request.TryGetProperty("tags", out var tags)) return null;
        if (tags.ValueKind != JsonValueKind.Array)
            return Mentions(tags) ? Malformed($"`tags` holds a `{Prefix}…` tag and is not a list, expected a list of strings") : null;
        string? found = null;
        foreach (var tag in tags.EnumerateArray())
        {
            if (!Mentions(tag)) continue;
            if (tag.ValueKind != JsonValueKind.String) return Malformed($"`tags` holds a `{Prefix}…` tag inside another value, expected a list of strings");
            if (found is not null) return Malformed($"`tags` holds more than one `{Prefix}…` tag, expected one");
            found = tag.GetString()!;
            if (!IsWellFormed(found))
                return Malformed($"`tags` holds a malformed `{Prefix}…` tag, expected `{Prefix}{RolePrefix}NAME` with letters, digits, `-` and `_`");
        }
        subject = found?[Prefix.Length..];
        return null;
    }

    /// <summary>
    /// Whether a droplet's tags still say what its identity was created for. The cloud keeps the letter case in which a tag was first written.
    /// </summary>
    public static bool StillSay(IReadOnlyList<string> tags, string subject)
    {
        var ours = tags.Where(IsOurs).ToList();
        return ours.Count == 1 && ours[0].AsSpan(Prefix.Length).Equals(subject, StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsOurs(string tag) => tag.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);

    /// <summary>Also where no tag belongs: some servers flatten lists of lists and objects with numbers as names.</summary>
    private static bool Mentions(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => IsOurs(value.GetString()!),
        JsonValueKind.Array => value.EnumerateArray().Any(Mentions),
        JsonValueKind.Object => value.EnumerateObject().Any(member => Mentions(member.Value)),
        _ => false,
    };

    private static bool IsWellFormed(string tag)
    {
        if (!tag.StartsWith(Prefix + RolePrefix, StringComparison.Ordinal) || tag.Length > 255) return false;
        var name = tag.AsSpan(Prefix.Length + RolePrefix.Length);
        return !name.IsEmpty && !name.ContainsAnyExcept(NameCharacters);
    }

    private static Failure Malformed(string message) => new(ErrorId.Unprocessable, message);
}
