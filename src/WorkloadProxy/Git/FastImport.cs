using System.Globalization;
using System.Text;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Git;

/// <summary>Makes a commit of the server's own, without a work tree: one <c>git fast-import</c> writes blobs, tree, commit and ref, all or nothing.</summary>
internal static class FastImport
{
    private const string Author = "workload-proxy <workload-proxy@localhost>";

    /// <summary>The commit that <paramref name="reference"/> points to afterwards; its tree holds <paramref name="files"/> and nothing else.</summary>
    public static async Task<GitResult> CommitAsync(
        GitProgram git, string repository, string reference, ObjectId? parent, IReadOnlyList<PolicyFile> files, string message, DateTimeOffset time,
        CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream();
        Line($"commit {reference}");
        Line($"committer {Author} {time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)} +0000");
        Data(Encoding.UTF8.GetBytes(message + "\n"));
        if (parent is { } from) Line($"from {from}");
        Line("deleteall");
        foreach (var file in files)
        {
            Line($"M 100644 inline {Quote(file.Path)}");
            Data(file.Content.Span);
        }
        Line("done");
        return await git.RunAsync(new GitCommand("fast-import", "--quiet", "--done", "--date-format=raw")
            { Repository = repository, Input = stream.GetBuffer().AsMemory(0, (int)stream.Length) }, cancellationToken);

        void Line(string text) => stream.Write(Encoding.UTF8.GetBytes(text + "\n"));

        void Data(ReadOnlySpan<byte> bytes)
        {
            Line($"data {bytes.Length.ToString(CultureInfo.InvariantCulture)}");
            stream.Write(bytes);
            stream.WriteByte((byte)'\n');
        }
    }

    // C-style, as fast-import reads it: a line feed in a name would begin another command
    private static string Quote(string path) =>
        "\"" + path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal) + "\"";
}
