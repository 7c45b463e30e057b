using WorkloadProxy.Hcl;

namespace WorkloadProxy.Git;

/// <summary>One run of git: its arguments, each one word to git and to no shell.</summary>
internal sealed record GitCommand(params string[] Arguments)
{
    /// <summary>The bare repository (<c>GIT_DIR</c>), null for a command that is in none.</summary>
    public string? Repository { get; init; }

    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>Configuration beside what <see cref="GitSettings"/> always says; it travels in the environment, where other users don't see it.</summary>
    public IReadOnlyList<(string Key, string Value)> Settings { get; init; } = [];

    public IReadOnlyList<(string Name, string Value)> Environment { get; init; } = [];

    public int MaxOutput { get; init; } = 1024 * 1024;

    /// <summary>
    /// Stops git when this directory has grown beyond <see cref="MaxGrowth"/> bytes: git itself bounds what is pushed but not what is fetched.
    /// </summary>
    public string? GrowingDirectory { get; init; }

    public long MaxGrowth { get; init; }
}

/// <summary>What a run came to. <paramref name="Stopped"/> says why it was not let to its end (or not begun), else null.</summary>
internal sealed record GitResult(int ExitCode, byte[] Output, string Errors, string? Stopped)
{
    public bool Succeeded => Stopped is null && ExitCode == 0;

    public string Text => System.Text.Encoding.UTF8.GetString(Output).TrimEnd('\n');

    /// <summary>One line on why it failed: git's own last words, less its prefix.</summary>
    public string Problem => Stopped ?? (LastWords() is { Length: > 0 } words ? words : $"git ended with {ExitCode}");

    private const int MostOfSsh = 6;

    private string LastWords()
    {
        var lines = Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        // of ssh git knows only that it ended; why, ssh has said before, often over several lines (a key that it can't load, then that nobody was let in)
        var afterSsh = Array.IndexOf(lines, "fatal: Could not read from remote repository.");
        var line = afterSsh > 0 ? string.Join("; ", lines.Take(afterSsh).Where(said => !said.StartsWith('@')).TakeLast(MostOfSsh))
            : lines.FirstOrDefault(line => line.StartsWith("fatal: ", StringComparison.Ordinal))
            ?? lines.FirstOrDefault(line => line.StartsWith("error: ", StringComparison.Ordinal)) ?? lines.LastOrDefault() ?? "";
        line = SafeText.Clean(line.StartsWith("fatal: ", StringComparison.Ordinal) || line.StartsWith("error: ", StringComparison.Ordinal)
            ? line[7..] : line, ' ');
        return line.Length <= 600 ? line : line[..600] + "…";
    }
}
