using System.Buffers.Binary;
using System.Text;

namespace WorkloadProxy.Provisioning;

/// <summary>
/// An SSH signature as <c>ssh-keygen -Y sign</c> writes it (PROTOCOL.sshsig), taken apart as far as it takes to know the key, and written again in one
/// form. Nothing in it is verified: that is <c>ssh-keygen</c>'s.
/// </summary>
internal sealed record SshSignature(string Armored, SshPublicKey Key)
{
    private const string Begin = "-----BEGIN SSH SIGNATURE-----";
    private const string End = "-----END SSH SIGNATURE-----";
    private const int MaxLength = 16 * 1024;
    private const int LineLength = 70;

    public static SshSignature? Parse(string text)
    {
        text = text.Trim();
        if (text.Length > MaxLength || text.Length < Begin.Length + End.Length) return null;
        if (!text.StartsWith(Begin, StringComparison.Ordinal) || !text.EndsWith(End, StringComparison.Ordinal)) return null;
        var base64 = string.Concat(text[Begin.Length..^End.Length].Where(c => c is not ('\r' or '\n')));
        var blob = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, blob, out var length)) return null;
        var rest = blob.AsSpan(0, length);
        if (!rest.StartsWith("SSHSIG"u8) || rest.Length < 14 || BinaryPrimitives.ReadUInt32BigEndian(rest[6..]) != 1) return null;
        var keyLength = BinaryPrimitives.ReadUInt32BigEndian(rest[10..]);
        if (keyLength > rest.Length - 14 || SshPublicKey.Of(rest.Slice(14, (int)keyLength)) is not { } key) return null;
        var armored = new StringBuilder(Begin).Append('\n');
        for (var i = 0; i < base64.Length; i += LineLength) armored.Append(base64.AsSpan(i, Math.Min(LineLength, base64.Length - i))).Append('\n');
        return new SshSignature(armored.Append(End).Append('\n').ToString(), key);
    }
}
