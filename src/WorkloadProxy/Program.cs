using WorkloadProxy.GitHosting;

namespace WorkloadProxy;

/// <summary>The program <c>workload-proxy</c>.</summary>
public static class Program
{
    /// <summary>Exit codes: 0 ok, 1 findings or usage, 2 cannot start, 3 denied.</summary>
    public static async Task<int> Main(string[] args)
    {
        if (GitHook.IsCalled(args)) return await GitHook.RunAsync();
        return args.Length;
    }
}
