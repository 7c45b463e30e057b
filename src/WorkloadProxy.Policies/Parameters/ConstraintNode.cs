using System.Collections.Immutable;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Parameters;

/// <summary>What was written for a value, whether it was written literally (with exact places) or was computed.</summary>
internal abstract record ConstraintNode(SourceRange Range);

internal sealed record ScalarNode(HclValue Value, SourceRange Range) : ConstraintNode(Range);

internal sealed record ListNode(ImmutableArray<ConstraintNode> Items, SourceRange Range) : ConstraintNode(Range);

internal sealed record ObjectNode(ImmutableArray<(string Name, SourceRange NameRange, ConstraintNode Value)> Members, SourceRange Range)
    : ConstraintNode(Range);

/// <summary>A function's result.</summary>
internal sealed record CompiledNode(ValueConstraint Constraint, SourceRange Range) : ConstraintNode(Range);

/// <summary>What could not be read and was reported: nothing is built of it, but the rest is still checked.</summary>
internal sealed record BrokenNode(SourceRange Range) : ConstraintNode(Range);
