using System.Diagnostics;

namespace WorkloadProxy.Tests.Interop;

/// <summary>What a program of others printed, and how it ended.</summary>
internal sealed record RealProgram(int Code, string Output, string Error)
{
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(2);

    /// <summary>Its path; ends the test where it is missing.</summary>
    public static string Find(string program, string package)
    {
        var file = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
        if (file is null) Assert.Skip($"`{program}` is missing: apt-get install {package}");
        return file;
    }

    /// <summary>Runs it to its end, with <paramref name="home"/> as its user's directory.</summary>
    public static Task<RealProgram> RunAsync(string program, string home, IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        RunAsync(program, home, new Dictionary<string, string>(environment) { ["HOME"] = home }, patience, arguments);

    /// <summary>Runs it to its end in a folder. What has not ended by <paramref name="atMost"/> is killed, with what it started.</summary>
    public static async Task<RealProgram> RunAsync(string program, string folder, IReadOnlyDictionary<string, string> environment, TimeSpan atMost,
        params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
            { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var ended = Limit(atMost);
        try
        {
            await process.WaitForExitAsync(ended.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"`{program}` did not end:\n{await output}\n{await error}");
        }
        return new RealProgram(process.ExitCode, await output, await error);
    }

    /// <summary>Ends with the test, or when a program that a test talks to has taken too long.</summary>
    public static CancellationTokenSource Limit(TimeSpan? atMost = null)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(atMost ?? patience);
        return limit;
    }
}
