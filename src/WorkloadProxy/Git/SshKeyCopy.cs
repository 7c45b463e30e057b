namespace WorkloadProxy.Git;

/// <summary>
/// A private copy of an ssh key for one run of git: ssh ignores a key that others may read (a mounted secret is often 0440), and can't read one with CRLF line
/// ends or without the last line end. It is gone with this; what a killed server leaves goes at the next start.
/// </summary>
internal sealed class SshKeyCopy : IDisposable
{
    private const int MaxLength = 64 * 1024;

    private SshKeyCopy(string path) => Path = path;

    public string Path { get; }

    /// <exception cref="IOException">The key can't be read, or the copy not written.</exception>
    public static SshKeyCopy Of(string key, GitDirectories directories)
    {
        if (new FileInfo(key).Length > MaxLength) throw new IOException($"the ssh key `{key}` is larger than {MaxLength} bytes");
        var text = File.ReadAllText(key).ReplaceLineEndings("\n").TrimEnd('\n') + "\n";
        var path = System.IO.Path.Combine(directories.Temporary, $"key-{System.IO.Path.GetRandomFileName()}");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(path, options);
        writer.Write(text);
        return new SshKeyCopy(path);
    }

    public void Dispose() => File.Delete(Path);
}
