namespace WorkloadProxy.Storage;

/// <summary>The data directory, locked for this process: one process at a time has it. The lock ends with the process, however it ends.</summary>
internal sealed class DataDirectory : IDisposable
{
    private readonly FileStream lockFile;

    private DataDirectory(string path, FileStream lockFile)
    {
        Path = path;
        this.lockFile = lockFile;
    }

    public string Path { get; }
    public string StoreFile => StoreFileOf(Path);
    public string MasterKeyFile => System.IO.Path.Combine(Path, "master.key");
    public static string StoreFileOf(string path) => System.IO.Path.Combine(path, "store.db");
    public static string ControlSocketFile(string path) => System.IO.Path.Combine(path, "control.sock");

    /// <summary>Creates the directory (0700) where there is none, and takes its lock.</summary>
    public static DataDirectory Open(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows()) Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            else Directory.CreateDirectory(path);
            return new DataDirectory(path, new FileStream(System.IO.Path.Combine(path, "lock"), OwnerOnly(FileMode.OpenOrCreate)));
        }
        catch (IOException e) when (IsHeldElsewhere(e))
        {
            throw new StartException($"data directory `{path}` is in use by another process",
                "one `serve` at a time has a data directory; stop the other one, or set another `DataDirectory`", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"data directory `{path}` can't be used: {e.Message}",
                StoreHelp.ForFullDisk(path) ?? "set `DataDirectory` to a directory that this user may write", e);
        }
    }

    /// <summary>Whether it could not be opened because another process has it.</summary>
    public static bool IsInUse(StartException e) => e.InnerException is IOException cause && IsHeldElsewhere(cause);

    /// <summary>How a file of secrets is made: for the owner alone from the first moment.</summary>
    public static FileStreamOptions OwnerOnly(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }

    public void Dispose() => lockFile.Dispose();

    // EAGAIN of flock(2) on Linux and macOS, ERROR_SHARING_VIOLATION on Windows
    private static bool IsHeldElsewhere(IOException e) => (uint)e.HResult is 11 or 35 or 0x80070020;
}
