namespace WorkloadProxy.Policies.Conditions;

/// <summary>How a <c>when</c> came out. The default is an error: what was not evaluated grants nothing.</summary>
internal readonly record struct ConditionResult(bool IsTrue, bool IsFalse, string? Error)
{
    public static readonly ConditionResult True = new(true, false, null);
    public static readonly ConditionResult False = new(false, true, null);
    public static ConditionResult Failed(string error) => new(false, false, error);
    /// <summary>Neither true nor false: a permit counts this as false, a <c>deny</c> as true.</summary>
    public bool IsError => !IsTrue && !IsFalse;
}
