using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using MimeKit;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Provisioning.Creating;

/// <summary>
/// Puts a script beside the user data that a VM is created with. The user's own part comes first and keeps its bytes: cloud-init tells a part of type
/// <c>text/plain</c> by its first line, as it does user data that stands alone, and a multipart within a multipart is read part by part.
/// </summary>
internal static class CloudInit
{
    /// <summary>Of the whole user data, in bytes: DigitalOcean's limit.</summary>
    public const int MaxLength = 64 * 1024;
    /// <summary>Scripts run in the order of their names: before the user's <c>part-001</c>, which may then use the identity.</summary>
    public const string ScriptName = "00-workload-proxy";
    /// <summary>How far cloud-init looks for the header that makes user data a MIME message.</summary>
    private const int MimeSearch = 4096;
    /// <summary>The longest line that goes as it is (RFC 5322 §2.1.1).</summary>
    private const int MaxLine = 998;
    private static readonly SearchValues<char> headerName = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");

    public static Result<string> Wrap(string? userData, string script)
    {
        // no part can hold it by chance, and nobody can choose a part for it
        var boundary = $"=-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}";
        var message = new StringBuilder($"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\n");
        if (!string.IsNullOrEmpty(userData))
        {
            if (userData.StartsWith('\u001f') || userData.StartsWith("H4sI", StringComparison.Ordinal))
                return Refused("`user_data` is compressed, expected plain text: the script that gives the VM its identity is added to it");
            // a message goes as it is, for written anew its parts could have other line ends
            Append(message, boundary, MimeOf(userData) is { IsEmpty: false } mime ? mime : Written(Text("plain", userData)));
        }
        var own = Text("x-shellscript", script);
        own.ContentDisposition = new ContentDisposition(ContentDisposition.Attachment) { FileName = ScriptName };
        Append(message, boundary, Written(own));
        var wrapped = message.Append($"\n--{boundary}--\n").ToString();
        var length = Encoding.UTF8.GetByteCount(wrapped);
        if (length <= MaxLength) return wrapped;
        return Refused($"`user_data` would be {length} bytes with the script that gives the VM its identity, expected at most {MaxLength}: "
            + $"shorten it by at least {length - MaxLength} bytes");
    }

    private static Failure Refused(string message) => new(ErrorId.Unprocessable, message);

    private static void Append(StringBuilder message, string boundary, ReadOnlySpan<char> part) => message.Append($"\n--{boundary}\n").Append(part);

    private static MimePart Text(string subtype, string text)
    {
        // anything but plain lines goes as base64: a line end or a letter that is changed on the way would make another script of it
        var isPlain = text.All(c => c is '\n' or '\t' or (>= ' ' and <= '~')) && text.Split('\n').All(line => line.Length <= MaxLine);
        return new MimePart("text", subtype)
        {
            Content = new MimeContent(new MemoryStream(Encoding.UTF8.GetBytes(text))),
            ContentTransferEncoding = isPlain ? ContentEncoding.SevenBit : ContentEncoding.Base64,
        };
    }

    private static string Written(MimePart part)
    {
        using var output = new MemoryStream();
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Unix;
        part.WriteTo(format, output);
        return Encoding.UTF8.GetString(output.GetBuffer(), 0, (int)output.Length);
    }

    /// <summary>
    /// The user data as a part of its own, if cloud-init takes it for a MIME message, else nothing. cloud-init needs only the header's name early on; here
    /// the text also has to begin as a message does, for a script may write mails. The line that mailbox files begin with (<c>From nobody Sat Dec 24
    /// 11:23:31 2010</c>) is left out.
    /// </summary>
    private static ReadOnlySpan<char> MimeOf(ReadOnlySpan<char> userData)
    {
        if (userData.StartsWith("From ") && userData.IndexOf('\n') is > 0 and var end) userData = userData[(end + 1)..];
        var head = userData[..Math.Min(userData.Length, MimeSearch)];
        var colon = head.IndexOf(':');
        return head.Contains("mime-version:", StringComparison.OrdinalIgnoreCase) && colon > 0 && !head[..colon].ContainsAnyExcept(headerName) ? userData : [];
    }
}
