using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Shared;

/// <summary>A built program of this repository, running as a process of its own.</summary>
internal sealed class ChildProgram : IAsyncDisposable
{
    /// <summary>What a program needs of its surroundings; the rest (<c>PORT</c>, <c>ASPNETCORE_…</c>) could only change what is shown.</summary>
    private static readonly string[] Inherited = ["PATH", "HOME", "TMPDIR", "TEMP", "TMP", "SystemRoot", "DOTNET_ROOT", "DOTNET_HOST_PATH", "DOTNET_CLI_HOME",
        "LD_LIBRARY_PATH"];

    private readonly Process process;
    private readonly Queue<string> errors = new();
    private readonly TaskCompletionSource<string> firstLine = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string name;

    private ChildProgram(string name, Process process)
    {
        this.name = name;
        this.process = process;
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not { } text)
            {
                firstLine.TrySetException(new CannotStartException(Failed()));
                return;
            }
            firstLine.TrySetResult(text);
            OutputLine?.Invoke(text);
        };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not { } text) return;
            lock (errors)
            {
                errors.Enqueue(text);
                if (errors.Count > 40) errors.Dequeue();
            }
            ErrorLine?.Invoke(text);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The first line that the program writes to its standard output.</summary>
    public Task<string> FirstLine => firstLine.Task;

    /// <summary>Each line to standard output, as it comes.</summary>
    public event Action<string>? OutputLine;

    /// <summary>Each line to standard error, as it comes.</summary>
    public event Action<string>? ErrorLine;

    public bool HasExited => process.HasExited;

    /// <param name="project">The project's folder in the repository, for instance <c>src/WorkloadProxy</c>.</param>
    /// <param name="name">The program's name.</param>
    public static ChildProgram Start(string project, string name, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var assembly = Locate(project, name);
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
            { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add(assembly);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var variable in Inherited)
        {
            if (Environment.GetEnvironmentVariable(variable) is { } value) start.Environment[variable] = value;
        }
        foreach (var (variable, value) in environment) start.Environment[variable] = value;
        return new ChildProgram(name, Process.Start(start) ?? throw new CannotStartException($"`{name}` did not start"));
    }

    /// <summary>Why the program is not running, with the last lines it wrote.</summary>
    public string Failed()
    {
        lock (errors) return $"`{name}` ended before it was ready:\n{string.Join('\n', errors.Select(line => "  " + line))}";
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            // a graceful stop where there is one, so that the product ends as it would in service
            if (OperatingSystem.IsWindows() || Terminate(process.Id, 15) != 0) process.Kill();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
            }
        }
        process.Dispose();
    }

    /// <summary>The running program lies in <c>samples/NAME/bin/CONFIGURATION/FRAMEWORK/</c>, and the other in the same place below its own project.</summary>
    private static string Locate(string project, string name)
    {
        var here = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var top = here.Parent?.Parent?.Parent?.Parent?.Parent;
        var file = top is null ? null : Path.Combine(top.FullName, project, "bin", here.Parent!.Name, here.Name, $"{name}.dll");
        return file is not null && File.Exists(file)
            ? file : throw new CannotStartException($"`{name}` is not built: `{file}` was not found; `dotnet build` at the top of the repository makes it");
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Terminate(int process, int signal);
}
