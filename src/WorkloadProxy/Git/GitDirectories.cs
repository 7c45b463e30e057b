using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Policies;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Git;

/// <summary>Where git's part of the data directory is. Repositories are stored under the SHA-256 of their context, never under its id.</summary>
internal sealed class GitDirectories(string dataDirectory)
{
    public string Data { get; } = Path.GetFullPath(dataDirectory);
    public string Repositories => Path.Combine(Data, "repositories");
    public string Mirrors => Path.Combine(Data, "mirrors");
    /// <summary>What git takes for the user's home: empty, so there is no configuration, credential or key in it.</summary>
    public string Home => Path.Combine(Data, "git", "home");
    /// <summary>The only hooks that git finds: <c>pre-receive</c>, this program itself.</summary>
    public string Hooks => Path.Combine(Data, "git", "hooks");
    /// <summary>What git runs for <c>ssh</c>: this program itself.</summary>
    public string Ssh => Path.Combine(Data, "git", "ssh");
    public string Temporary => Path.Combine(Data, "git", "tmp");

    public static string NameOf(AuthContext context) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(context.ToString()))) + ".git";

    /// <summary>Makes the directories, and links the hook to this program.</summary>
    /// <exception cref="StartException">The data directory can't be written.</exception>
    public void Prepare()
    {
        try
        {
            foreach (var directory in new[] { Repositories, Mirrors, Home, Hooks, Temporary }) MakePrivate(directory);
            foreach (var left in Directory.EnumerateFileSystemEntries(Temporary)) Remove(left);
            Link(Path.Combine(Hooks, "pre-receive"));
            Link(Ssh);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"git's directories in `{Data}` can't be made: {e.Message}",
                "set `DataDirectory` to a directory that this user may write", e);
        }
    }

    public static void MakePrivate(string directory)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    // A link, not a script: it needs no shell, no quoting, and no right to execute on the data directory's file system.
    private static void Link(string link)
    {
        if (OperatingSystem.IsWindows()) return; // no links there without privileges: pushes are refused
        var draft = link + ".new";
        File.Delete(draft);
        File.CreateSymbolicLink(draft, OwnProgram.Path);
        File.Move(draft, link, overwrite: true);
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null) Directory.Delete(path, recursive: true);
        else File.Delete(path);
    }
}
