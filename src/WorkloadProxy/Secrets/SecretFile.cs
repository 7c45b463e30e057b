using System.Text;

namespace WorkloadProxy.Secrets;

/// <summary>Files that hold one secret: read whole, bounded, without the line ends that editors and orchestrators put at their end.</summary>
internal static class SecretFile
{
    /// <summary>
    /// The secret. One that is longer than <paramref name="most"/> comes back cut, but longer than that, so that its reader refuses it: half a secret must not
    /// pass for one. Throws what reading a file throws.
    /// </summary>
    public static string Read(string file, int most)
    {
        using var reader = new StreamReader(file, Encoding.UTF8);
        var buffer = new char[most + 3];
        var length = reader.ReadBlock(buffer);
        if (reader.Peek() >= 0) return new string(buffer, 0, most + 1);
        return new string(buffer, 0, length).TrimEnd('\r', '\n');
    }

    /// <summary>Whether a header can carry it as a token: visible ASCII, or the header could be ended by it.</summary>
    public static bool IsToken(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExceptInRange('!', '~');
}
