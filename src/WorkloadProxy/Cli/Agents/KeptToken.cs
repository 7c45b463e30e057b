using System.Security.Cryptography;

namespace WorkloadProxy.Cli.Agents;

/// <summary>Tokens in <c>$XDG_RUNTIME_DIR</c>, which is the user's alone and in memory; without one nothing is kept.</summary>
internal static class KeptToken
{
    public static string? FileOf(string key) =>
        Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } directory && Directory.Exists(directory)
        ? Path.Combine(directory, "workload-proxy", key) : null;

    public static FetchedToken? Read(string file)
    {
        try
        {
            return File.Exists(file) ? FetchedToken.Of(File.ReadAllText(file)) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static void Write(string file, string token)
    {
        try
        {
            Replace(file, token);
        }
        catch (TokenException)
        {
            // a token that can't be kept is fetched again
        }
    }

    /// <summary>Puts a file of mode 0600 in place of what is there, whole or not at all.</summary>
    /// <exception cref="TokenException">It can't be written.</exception>
    public static void Replace(string file, string text)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var written = Path.Combine(directory, $".{Path.GetFileName(file)}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}");
        try
        {
            if (!Directory.Exists(directory)) CreateDirectory(directory);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var writer = new StreamWriter(written, options)) writer.Write(text);
            File.Move(written, file, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            File.Delete(written);
            throw new TokenException($"the file `{file}` can't be written", error);
        }
    }

    private static void CreateDirectory(string directory)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
