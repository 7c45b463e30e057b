using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace WorkloadProxy.Provisioning;

/// <summary>A public key as OpenSSH writes it: <c>TYPE BASE64</c>. Only plain keys of types that hosts have; certificates are none.</summary>
internal sealed record SshPublicKey(string Type, string Base64)
{
    private static readonly string[] types = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];
    private const int MaxLength = 8 * 1024;

    /// <summary>The key in SSH's own encoding, which begins with its type; null for anything that is not one of ours.</summary>
    public static SshPublicKey? Of(ReadOnlySpan<byte> blob)
    {
        if (blob.Length is < 4 or > MaxLength) return null;
        var length = BinaryPrimitives.ReadUInt32BigEndian(blob);
        if (length > blob.Length - 4) return null;
        var name = blob.Slice(4, (int)length);
        foreach (var type in types) if (name.SequenceEqual(Encoding.ASCII.GetBytes(type))) return new SshPublicKey(type, Convert.ToBase64String(blob));
        return null;
    }

    /// <summary>A line of <c>ssh-keyscan</c>: <c>HOST TYPE BASE64</c>.</summary>
    public static SshPublicKey? OfScannedLine(string line)
    {
        var words = line.Split(' ');
        if (words.Length != 3 || line.StartsWith('#')) return null;
        var blob = new byte[words[2].Length];
        return Convert.TryFromBase64String(words[2], blob, out var length) && Of(blob.AsSpan(0, length)) is { } key && key.Type == words[1] ? key : null;
    }

    /// <summary>As OpenSSH prints it, for logs.</summary>
    public string Fingerprint => "SHA256:" + Convert.ToBase64String(SHA256.HashData(Convert.FromBase64String(Base64))).TrimEnd('=');

    public override string ToString() => $"{Type} {Base64}";
}
