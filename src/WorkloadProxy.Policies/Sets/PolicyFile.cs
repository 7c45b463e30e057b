namespace WorkloadProxy.Policies;

/// <summary>A file of a policy source: its path relative to the source's top, with <c>/</c> (<c>policies/ci.hcl</c>), and its bytes.</summary>
public sealed record PolicyFile(string Path, ReadOnlyMemory<byte> Content);
