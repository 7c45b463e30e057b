using System.Diagnostics;
using System.Text;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>A person's git: the real program in a directory of its own, with a name and no other configuration.</summary>
internal sealed class GitClient : IDisposable
{
    private readonly DirectoryInfo home = Directory.CreateTempSubdirectory("git-client-");

    public string WorkTree => Path.Combine(home.FullName, "work");
    public string Home => home.FullName;

    public Dictionary<string, string> Environment { get; } = [];

    public static async Task<GitClient> InitAsync(params string[] options)
    {
        var client = new GitClient();
        Directory.CreateDirectory(client.WorkTree);
        await client.RunAsync(["init", "--quiet", "--initial-branch=main", .. options]);
        return client;
    }

    public void Write(string path, string text)
    {
        var file = new FileInfo(Path.Combine(WorkTree, path));
        file.Directory!.Create();
        File.WriteAllText(file.FullName, text);
    }

    public async Task<string> CommitAsync(string message = "feat: change access")
    {
        await RunAsync("add", "--all");
        await RunAsync("commit", "--quiet", "--allow-empty", "-sm", message);
        return await RunAsync("rev-parse", "HEAD");
    }

    /// <summary>Runs git, which must succeed; what it printed on standard output.</summary>
    public async Task<string> RunAsync(params string[] arguments)
    {
        var result = await TryAsync(arguments);
        Assert.True(result.ExitCode == 0, $"git {string.Join(' ', arguments)}: {result.ExitCode}\n{result.Output}\n{result.Errors}");
        return result.Output.TrimEnd('\n');
    }

    public Task<GitClientResult> TryAsync(params string[] arguments) => RunInAsync(WorkTree, null, arguments);

    public async Task<GitClientResult> RunInAsync(string directory, byte[]? input, params string[] arguments)
    {
        var start = new ProcessStartInfo("git")
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory };
        start.Environment.Clear();
        start.Environment["PATH"] = System.Environment.GetEnvironmentVariable("PATH");
        start.Environment["HOME"] = home.FullName;
        start.Environment["GIT_CONFIG_NOSYSTEM"] = "1";
        start.Environment["GIT_TERMINAL_PROMPT"] = "0";
        start.Environment["LC_ALL"] = "C";
        foreach (var role in new[] { "AUTHOR", "COMMITTER" })
            (start.Environment[$"GIT_{role}_NAME"], start.Environment[$"GIT_{role}_EMAIL"]) = ("Sammy", "sammy@example.com");
        foreach (var (name, value) in Environment) start.Environment[name] = value;
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (input is not null) await process.StandardInput.BaseStream.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return new GitClientResult(process.ExitCode, await output, await errors);
    }

    /// <summary>An object made from bytes, whatever git thinks of them.</summary>
    public async Task<string> ObjectAsync(string type, byte[] content)
    {
        var made = await RunInAsync(WorkTree, content, "hash-object", "--literally", "-w", "-t", type, "--stdin");
        Assert.True(made.ExitCode == 0, made.Errors);
        return made.Output.Trim();
    }

    public Task<string> BlobAsync(string text) => ObjectAsync("blob", Encoding.UTF8.GetBytes(text));

    /// <summary>A tree with just these entries, in this order, unchecked.</summary>
    public Task<string> TreeAsync(params (string Mode, string Name, string Id)[] entries) =>
        ObjectAsync("tree", [.. entries.SelectMany(entry => (byte[])[.. Encoding.UTF8.GetBytes($"{entry.Mode} {entry.Name}"), 0,
            .. Convert.FromHexString(entry.Id)])]);

    public async Task<string> CommitTreeAsync(string tree, params string[] parents) =>
        await RunAsync(["commit-tree", tree, "-m", "made by hand", .. parents.SelectMany(parent => new[] { "-p", parent })]);

    public void Dispose()
    {
        // git makes its objects read-only
        foreach (var file in home.EnumerateFiles("*", SearchOption.AllDirectories)) if (file.LinkTarget is null) file.IsReadOnly = false;
        home.Delete(recursive: true);
    }
}

internal sealed record GitClientResult(int ExitCode, string Output, string Errors)
{
    public bool Succeeded => ExitCode == 0;
}
