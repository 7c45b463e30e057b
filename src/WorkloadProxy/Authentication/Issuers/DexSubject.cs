using System.Text;
using System.Text.Unicode;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication.Issuers;

/// <summary>
/// Dex writes a subject as a protobuf message (1: the user's id, 2: the connector) in base64url. A token of the client credentials grant has the client's id as
/// the user's and no connector; a person always has one, so nobody's user id passes for a client's.
/// </summary>
internal static class DexSubject
{
    private const byte UserId = (1 << 3) | 2;

    /// <summary>The client's id; null for a person, and for what Dex didn't write.</summary>
    public static string? ClientOf(string subject)
    {
        // a length under 128 is one byte of a varint, and a client's id is no longer
        if (!CanonicalBase64Url.TryDecode(subject, out var message) || message.Length is < 3 or > 129 || message[0] != UserId
            || message[1] != message.Length - 2)
            return null;
        var id = message.AsSpan(2);
        if (!Utf8.IsValid(id)) return null;
        var text = Encoding.UTF8.GetString(id);
        return text.Any(char.IsControl) ? null : text;
    }
}
