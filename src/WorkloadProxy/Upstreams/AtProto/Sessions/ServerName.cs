using System.Security.Cryptography;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Upstreams.AtProto.Sessions;

/// <summary>
/// A random name of this server, which lies in its data directory and outlives its process. Whoever has the directory's lock knows that a lease under this name
/// was a former process's, and that it is gone.
/// </summary>
internal static class ServerName
{
    private const int Length = 32;

    /// <exception cref="StartException">The directory can't be written.</exception>
    public static string Of(DataDirectory directory)
    {
        var file = Path.Combine(directory.Path, "server-name");
        try
        {
            if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: Length } known && known.All(char.IsAsciiHexDigitLower)) return known;
            var name = RandomNumberGenerator.GetHexString(Length, lowercase: true);
            File.Delete(file);
            using (var stream = new FileStream(file, DataDirectory.OwnerOnly(FileMode.CreateNew)))
            using (var writer = new StreamWriter(stream)) writer.Write(name);
            return name;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"this server's name can't be kept in `{file}`: {e.Message}",
                "check the permissions and the free space of `DataDirectory`", e);
        }
    }
}
