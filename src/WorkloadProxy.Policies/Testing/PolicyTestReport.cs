using System.Collections.Immutable;

namespace WorkloadProxy.Policies;

/// <summary>How a set's tests came out, and the rules that decided none of them, by file and place.</summary>
public sealed record PolicyTestReport(ImmutableArray<PolicyTestResult> Results, ImmutableArray<PolicyRule> UnreachedRules)
{
    /// <summary>Whether every test passed.</summary>
    public bool Passed => Results.All(result => result.Passed);
}

/// <summary>One test's outcome. <paramref name="Reason"/> says what decided, or why the test failed.</summary>
public sealed record PolicyTestResult(PolicyTest Test, bool Passed, string Reason)
{
    /// <summary>The test's name.</summary>
    public string Name => Test.Name;
}
