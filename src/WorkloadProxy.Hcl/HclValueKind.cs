namespace WorkloadProxy.Hcl;

/// <summary>The kinds of a value: HCL's own, and <see cref="Opaque"/> for what a host's function returns.</summary>
public enum HclValueKind
{
    /// <summary><c>null</c></summary>
    Null,
    /// <summary><c>true</c> or <c>false</c></summary>
    Bool,
    /// <summary>An exact decimal number.</summary>
    Number,
    /// <summary>Unicode text.</summary>
    String,
    /// <summary>A sequence of values.</summary>
    Tuple,
    /// <summary>Named values.</summary>
    Object,
    /// <summary>What a host's function returned.</summary>
    Opaque,
}
