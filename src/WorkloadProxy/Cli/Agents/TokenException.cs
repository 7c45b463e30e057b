namespace WorkloadProxy.Cli.Agents;

/// <summary>No token, and why, in one line: commands end with it.</summary>
internal sealed class TokenException(string message, Exception? inner = null) : Exception(message, inner);
