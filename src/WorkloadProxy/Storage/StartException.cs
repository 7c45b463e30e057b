namespace WorkloadProxy.Storage;

/// <summary>The program can't start: the message is for the operator, the exit code is 2.</summary>
internal sealed class StartException(string message, string? help = null, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>What to do about it, or null.</summary>
    public string? Help { get; } = help;
}
