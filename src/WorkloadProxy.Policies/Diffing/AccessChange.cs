namespace WorkloadProxy.Policies;

/// <summary>Which way access changes.</summary>
public enum AccessChangeKind
{
    /// <summary>Somebody may more than before.</summary>
    Widened,
    /// <summary>Somebody may less than before.</summary>
    Narrowed,
    /// <summary>It can't be told which way, or both.</summary>
    Changed,
}

/// <summary>One change of access, in words (<c>role `ci` can now DELETE /v2/droplets/*</c>).</summary>
public sealed record AccessChange(AccessChangeKind Kind, string Role, string Text)
{
    /// <summary>With <c>+</c>, <c>-</c> or <c>~</c> before it.</summary>
    public override string ToString() => $"{Kind switch { AccessChangeKind.Widened => "+", AccessChangeKind.Narrowed => "-", _ => "~" }} {Text}";
}
