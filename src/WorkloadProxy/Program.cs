using WorkloadProxy.Cli;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Git;
using WorkloadProxy.PolicyDelivery.Hosted;

namespace WorkloadProxy;

/// <summary>The program <c>workload-proxy</c>.</summary>
public static class Program
{
    /// <summary>Exit codes: 0 ok, 1 findings or usage, 2 cannot start, 3 denied.</summary>
    public static Task<int> Main(string[] args) => GitHook.IsCalled(args) ? GitHook.RunAsync()
        : GitSsh.IsCalled ? GitSsh.RunAsync(args)
        : CommandLine.RunAsync(args, Terminal.System(), TimeProvider.System);
}
