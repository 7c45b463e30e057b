using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>A function that the host gives to expressions. Returns a value, or null and an error text (lower case, no final period) for the call.</summary>
public delegate HclValue? HclFunction(ImmutableArray<HclValue> arguments, out string? error);
