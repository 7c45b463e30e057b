namespace WorkloadProxy.Policies.Conditions;

/// <summary>What a <c>when</c> may name.</summary>
internal enum ConditionScope
{
    /// <summary><c>claims</c> and <c>now</c>.</summary>
    Role,
    /// <summary>Also <c>request</c>.</summary>
    Rule,
    /// <summary>Also <c>request</c>, of an MCP call.</summary>
    Mcp,
}
