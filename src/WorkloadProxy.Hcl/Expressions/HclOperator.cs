namespace WorkloadProxy.Hcl;

/// <summary>The operators.</summary>
public enum HclOperator
{
    /// <summary><c>||</c></summary>
    Or,
    /// <summary><c>&amp;&amp;</c></summary>
    And,
    /// <summary><c>==</c></summary>
    Equal,
    /// <summary><c>!=</c></summary>
    NotEqual,
    /// <summary><c>></c></summary>
    Greater,
    /// <summary><c>>=</c></summary>
    GreaterOrEqual,
    /// <summary><c>&lt;</c></summary>
    Less,
    /// <summary><c>&lt;=</c></summary>
    LessOrEqual,
    /// <summary><c>+</c></summary>
    Add,
    /// <summary><c>-</c> between two</summary>
    Subtract,
    /// <summary><c>*</c></summary>
    Multiply,
    /// <summary><c>/</c></summary>
    Divide,
    /// <summary><c>%</c></summary>
    Modulo,
    /// <summary><c>!</c></summary>
    Not,
    /// <summary><c>-</c> before one</summary>
    Negate,
}
