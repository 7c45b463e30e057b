using System.Text;
using WorkloadProxy.Policies;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>What a hosted repository begins with: the operator's directory, or a README and no permissions.</summary>
internal static class InitialContent
{
    private const int MaxFiles = 10_000;
    private const long MaxLength = 16 * 1024 * 1024;
    private static readonly EnumerationOptions plainEntries = new() { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    /// <exception cref="IOException">The directory can't be read, or holds too much.</exception>
    public static IReadOnlyList<PolicyFile> Of(AuthContext context, string? directory)
    {
        if (directory is null)
            return [new("README.md", Encoding.UTF8.GetBytes(Readme(context))), new("policies/.gitkeep", default), new("roles/.gitkeep", default)];
        var files = new List<PolicyFile>();
        var length = 0L;
        Add(new DirectoryInfo(directory), "");
        return files;

        void Add(DirectoryInfo parent, string path)
        {
            foreach (var entry in parent.EnumerateFileSystemInfos("*", plainEntries).OrderBy(entry => entry.Name, StringComparer.Ordinal))
            {
                // `.git` is the one name that can't be in a tree
                if (entry.Name.Equals(".git", StringComparison.OrdinalIgnoreCase)) continue;
                if (entry is DirectoryInfo inner)
                {
                    Add(inner, $"{path}{entry.Name}/");
                    continue;
                }
                if (files.Count == MaxFiles || (length += ((FileInfo)entry).Length) > MaxLength)
                    throw new IOException($"`{directory}` holds over {MaxFiles} files or {MaxLength} bytes");
                files.Add(new(path + entry.Name, File.ReadAllBytes(entry.FullName)));
            }
        }
    }

    private static string Readme(AuthContext context) => $"""
        # Roles and policies of `{context}`

        Who may do what with this account through workload-proxy. Nobody may do anything yet.

        - `roles/*.hcl` (and every other top-level directory whose name ends in `roles`): which identities get which policies
        - `policies/*.hcl`: which paths, methods and parameters a policy permits; a policy's name is its file's
        - `tests/*.hcl`: what must be permitted and what must not; a push that breaks one is refused

        `git push` to the branch `main` puts a change in force before it returns, or says what is wrong and changes nothing.
        `git show origin/schema:rbac.json` shows what is in force, compiled.

        """;
}
