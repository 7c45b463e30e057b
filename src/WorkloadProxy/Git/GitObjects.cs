using System.Buffers;
using System.Globalization;
using System.Text;
using WorkloadProxy.Processes;

namespace WorkloadProxy.Git;

/// <summary>Type and size of an object.</summary>
internal readonly record struct GitObjectInfo(string Type, long Size);

/// <summary>
/// Reads objects of one repository through one <c>git cat-file</c>. An object's size is asked before its content, so what inflates to gigabytes is never read.
/// </summary>
internal sealed class GitObjects : IAsyncDisposable
{
    private readonly ChildProcess git;
    private readonly BufferedStream output;

    private GitObjects(ChildProcess git)
    {
        this.git = git;
        output = new BufferedStream(git.Output, 64 * 1024);
    }

    /// <summary><paramref name="quarantine"/> is where the objects of a push lie that is not accepted yet, or null.</summary>
    /// <exception cref="IOException">git can't be started.</exception>
    public static GitObjects Open(GitProgram program, string repository, string? quarantine) =>
        new(program.Start(new GitCommand("cat-file", "--batch-command") { Repository = repository, Environment = Quarantine(repository, quarantine) }));

    /// <summary>The environment in which git sees the objects of a push beside the repository's own.</summary>
    public static IReadOnlyList<(string, string)> Quarantine(string repository, string? quarantine) =>
        quarantine is null ? [] : [("GIT_OBJECT_DIRECTORY", quarantine), ("GIT_ALTERNATE_OBJECT_DIRECTORIES", Path.Combine(repository, "objects"))];

    /// <summary>For each id what it is, null for one that is not there.</summary>
    public async Task<GitObjectInfo?[]> InfoAsync(IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken)
    {
        var asking = AskAsync("info", ids, cancellationToken);
        var found = new GitObjectInfo?[ids.Count];
        for (var i = 0; i < found.Length; i++) found[i] = await ReadHeaderAsync(ids[i], cancellationToken);
        await asking;
        return found;
    }

    /// <summary>The contents of objects that <see cref="InfoAsync"/> has told to be there and small enough.</summary>
    public async Task<byte[][]> ReadAsync(IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken)
    {
        var asking = AskAsync("contents", ids, cancellationToken);
        var contents = new byte[ids.Count][];
        for (var i = 0; i < contents.Length; i++)
        {
            var info = await ReadHeaderAsync(ids[i], cancellationToken) ?? throw new IOException($"object {ids[i]} has vanished");
            contents[i] = new byte[info.Size];
            await output.ReadExactlyAsync(contents[i], cancellationToken);
            if (output.ReadByte() != '\n') throw new IOException("`git cat-file` answered out of step");
        }
        await asking;
        return contents;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            git.Input.Close();
        }
        catch (IOException)
        {
            // it is gone already
        }
        await git.DisposeAsync();
    }

    // Beside the reading: git answers each line before it reads the next, and both pipes are short.
    private async Task AskAsync(string command, IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken)
    {
        var lines = new StringBuilder();
        for (var i = 0; i < ids.Count; i++)
        {
            lines.Append(command).Append(' ').Append(ids[i].ToString()).Append('\n');
            if (lines.Length < 32 * 1024 && i < ids.Count - 1) continue;
            await git.Input.WriteAsync(Encoding.ASCII.GetBytes(lines.ToString()), cancellationToken);
            await git.Input.FlushAsync(cancellationToken);
            lines.Clear();
        }
    }

    /// <summary><c>&lt;id&gt; SP &lt;type&gt; SP &lt;size&gt; LF</c> or <c>&lt;id&gt; SP missing LF</c></summary>
    private async Task<GitObjectInfo?> ReadHeaderAsync(ObjectId id, CancellationToken cancellationToken)
    {
        var line = new ArrayBufferWriter<byte>(128);
        var one = new byte[1];
        while (line.WrittenCount < 200)
        {
            if (await output.ReadAsync(one, cancellationToken) == 0) throw new IOException("`git cat-file` ended early");
            if (one[0] == '\n') break;
            line.Write(one);
        }
        var parts = Encoding.ASCII.GetString(line.WrittenSpan).Split(' ');
        if (parts[0] != id.ToString()) throw new IOException("`git cat-file` answered out of step");
        if (parts is [_, "missing"]) return null;
        if (parts is [_, "commit" or "tree" or "blob" or "tag", var size]
            && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var length))
            return new(parts[1], length);
        throw new IOException("`git cat-file` answered what was not understood");
    }
}
