using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Compare;

/// <summary>A server under measurement: its process, its children, and what they cost.</summary>
internal sealed class Subject : IAsyncDisposable
{
    private const double TicksPerSecond = 100; // USER_HZ, fixed on Linux

    private readonly Process process;

    private Subject(string name, Uri address, Process process, TimeSpan started)
    {
        Name = name;
        Address = address;
        this.process = process;
        Started = started;
    }

    public string Name { get; }
    public Uri Address { get; }

    /// <summary>From the start of the process until it answered.</summary>
    public TimeSpan Started { get; }

    /// <summary>CPU time of the process and its children so far, in seconds.</summary>
    public double CpuSeconds =>
        Tree().Sum(id => Fields(id) is { } fields
            ? (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond : 0);

    /// <summary>Resident memory of the process and its children, in MB.</summary>
    public double ResidentMegabytes =>
        Tree().Sum(id => Fields(id) is { } fields ? long.Parse(fields[21], CultureInfo.InvariantCulture) * Environment.SystemPageSize / 1e6 : 0);

    /// <summary>
    /// What the kernel did for the process and its children so far. A thread that ends takes its switches with it: the runtime's live through a round.
    /// </summary>
    public Work Work => Tree().Aggregate(default(Work), (sum, id) =>
    {
        var faults = Fields(id) is { } fields ? double.Parse(fields[7], CultureInfo.InvariantCulture)
            + double.Parse(fields[9], CultureInfo.InvariantCulture) : 0;
        return new Work(sum.Waits + Switches(id, "voluntary_ctxt_switches:"), sum.Displaced + Switches(id, "nonvoluntary_ctxt_switches:"),
            sum.PageFaults + faults);
    });

    /// <summary>The processes, for a program that watches them.</summary>
    public IReadOnlyList<int> ProcessIds => [.. Tree()];

    /// <summary>CPU time of this program's children that have ended, in seconds: of one that has just been waited for, the difference.</summary>
    public static double CpuSecondsOfEndedChildren =>
        Fields(Environment.ProcessId) is { } fields
        ? (double.Parse(fields[13], CultureInfo.InvariantCulture) + double.Parse(fields[14], CultureInfo.InvariantCulture)) / TicksPerSecond : 0;

    /// <summary>Resident memory now and then until <paramref name="load"/> ends, each with the time since its beginning.</summary>
    public async Task<IReadOnlyList<(TimeSpan At, double Megabytes)>> WatchMemoryAsync(Task load, TimeSpan interval,
        Action<IReadOnlyList<(TimeSpan At, double Megabytes)>>? look = null)
    {
        var clock = Stopwatch.StartNew();
        var seen = new List<(TimeSpan, double)> { (TimeSpan.Zero, ResidentMegabytes) };
        while (await Task.WhenAny(load, Task.Delay(interval)) != load)
        {
            seen.Add((clock.Elapsed, ResidentMegabytes));
            look?.Invoke(seen);
        }
        await load;
        return seen;
    }

    public static async Task<Subject> StartAsync(string name, int port, string readyPath, string program, IReadOnlyList<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (variable, value) in environment ?? new Dictionary<string, string>()) start.Environment[variable] = value;
        var clock = Stopwatch.StartNew();
        var process = Process.Start(start)!;
        var last = new List<string>();
        void Keep(string? line)
        {
            lock (last) if (line is not null && last.Count < 40) last.Add(line);
        }
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        var address = new Uri($"http://127.0.0.1:{port}");
        using var http = new HttpClient();
        while (clock.Elapsed < TimeSpan.FromSeconds(30) && !process.HasExited)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(address, readyPath));
                if ((int)answer.StatusCode < 500) return new Subject(name, address, process, clock.Elapsed);
            }
            catch (HttpRequestException)
            {
                // not listening yet
            }
            await Task.Delay(5);
        }
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        throw new InvalidOperationException($"`{name}` did not come up:\n{string.Join('\n', last)}");
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            _ = Terminate(process.Id, 15);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
            }
        }
        process.Dispose();
    }

    private IEnumerable<int> Tree()
    {
        yield return process.Id;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out var id) && Fields(id) is { } fields
                && fields[1] == process.Id.ToString(CultureInfo.InvariantCulture))
                yield return id;
        }
    }

    /// <summary>The fields of <c>/proc/ID/stat</c> after the program's name, which may hold anything; null when the process is gone.</summary>
    private static string[]? Fields(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static double Switches(int id, string name)
    {
        var sum = 0.0;
        foreach (var thread in Directory.EnumerateDirectories($"/proc/{id}/task"))
        {
            try
            {
                var line = File.ReadLines($"{thread}/status").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
                if (line is not null) sum += double.Parse(line[name.Length..], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // the thread has ended
            }
        }
        return sum;
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Terminate(int process, int signal);
}
