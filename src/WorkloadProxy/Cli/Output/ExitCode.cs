namespace WorkloadProxy.Cli.Output;

/// <summary>The exit codes of every command.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    /// <summary>Something was found wrong, or the command line was.</summary>
    public const int Findings = 1;
    /// <summary>The server can't start as it is configured.</summary>
    public const int CannotStart = 2;
    /// <summary><c>policy explain</c>: the request would be denied.</summary>
    public const int Denied = 3;
}
