using System.Text;
using MimeKit;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Provisioning.Creating;

/// <summary>
/// Puts a script beside the user data that a VM is created with. The user's own part comes first and keeps its bytes: cloud-init tells a part of type <c>text/plain</c> by its first line,
/// as it does user data that stands alone, and a multipart within a multipart is read part by part.
/// </summary>
internal static class CloudInit
{
    /// <summary>Of the whole user data, in bytes: DigitalOcean's limit.</summary>
    public const int MaxLength = 64 * 1024;
    /// <summary>Scripts run in the order of their names: before the user's <c>part-001</c>, which may then use the identity.</summary>
    public const string ScriptName = "00-workload-proxy";
    private const int MimeSearch = 4096;
    /// <summary>The longest line that goes as it is (RFC 5322 §2.1.1).</summary>
    private const int MaxLine = 998;

    public static Result<string> Wrap(string? userData, string script)
    {
        var multipart = new Multipart("mixed");
        multipart.Headers.Insert(0, "MIME-Version", "1.0");
        var lineEnd = NewLineFormat.Unix;
        if (!string.IsNullOrEmpty(userData))
        {
            if (userData.StartsWith('\u001f') || userData.StartsWith("H4sI", StringComparison.Ordinal))
                return new Failure(ErrorId.Unprocessable, "`user_data` is compressed, expected plain text: a script has to go beside it");
            // what some tools write before a message (`From nobody Sat Dec 24 11:23:31 2010`) is no part of it
            if (userData.StartsWith("From ", StringComparison.Ordinal) && userData.IndexOf('\n') is > 0 and var end && IsMime(userData.AsSpan(end + 1))) userData = userData[(end + 1)..];
            var isMime = IsMime(userData);
            if (isMime && userData.Contains("\r\n", StringComparison.Ordinal)) lineEnd = NewLineFormat.Dos;
            if ((isMime ? ReadMime(userData) : Text("plain", userData)) is not { } entity)
                return new Failure(ErrorId.Unprocessable, "`user_data` begins as a MIME message and is not a well-formed one");
            multipart.Add(entity);
        }
        var own = Text("x-shellscript", script);
        own.ContentDisposition = new ContentDisposition(ContentDisposition.Attachment) { FileName = ScriptName };
        multipart.Add(own);

        using var output = new MemoryStream();
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = lineEnd;
        multipart.WriteTo(format, output);
        if (output.Length > MaxLength)
        {
            return new Failure(ErrorId.Unprocessable,
                $"`user_data` would be {output.Length} bytes with the script that gives the VM its identity, expected at most {MaxLength}: take {output.Length - MaxLength} bytes or more out of it");
        }
        return Encoding.UTF8.GetString(output.GetBuffer(), 0, (int)output.Length);
    }

    private static MimePart Text(string subtype, string text)
    {
        // what is not plain lines goes as base64: a line end or a letter that is changed on the way would make another script of it
        var isPlain = text.All(c => c is '\n' or '\t' or (>= ' ' and <= '~')) && text.Split('\n').All(line => line.Length <= MaxLine);
        return new MimePart("text", subtype)
        {
            Content = new MimeContent(new MemoryStream(Encoding.UTF8.GetBytes(text))),
            ContentTransferEncoding = isPlain ? ContentEncoding.SevenBit : ContentEncoding.Base64,
        };
    }

    /// <summary>cloud-init takes for a message whatever holds the header's name early on; here it also has to begin as one, for a script may write mails.</summary>
    private static bool IsMime(ReadOnlySpan<char> userData)
    {
        var head = userData[..Math.Min(userData.Length, MimeSearch)];
        var colon = head.IndexOf(':');
        return head.Contains("mime-version:", StringComparison.OrdinalIgnoreCase) && colon > 0 && !head[..colon].ContainsAnyExcept(HeaderName);
    }

    private static readonly System.Buffers.SearchValues<char> HeaderName = System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");

    private static MimeEntity? ReadMime(string userData)
    {
        try
        {
            var options = ParserOptions.Default.Clone();
            options.MaxMimeDepth = 8;
            return MimeEntity.Load(options, new MemoryStream(Encoding.UTF8.GetBytes(userData)));
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
