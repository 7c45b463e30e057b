namespace WorkloadProxy.Policies.Parameters;

/// <summary>
/// <c>_method</c> in a query or form makes some upstreams treat a POST as another method. It is refused in every spelling that they take for it
/// (<see cref="SameName"/>).
/// </summary>
internal static class MethodOverride
{
    public const string Name = "_method";

    public static Mismatch? Check(RequestTarget target, AllowedParameters? allowed)
    {
        var raw = target.RawQuery;
        if (raw.Length == 0 || (!raw.Contains('%') && !raw.Contains("method", StringComparison.OrdinalIgnoreCase))) return null;
        return Check(target.Query, allowed?.Query) is { } mismatch ? mismatch with { InQuery = true } : null;
    }

    public static Mismatch? Check(RequestBody body, AllowedParameters? allowed) => body.Form is { } form ? Check(form, allowed?.Body) : null;

    private static Mismatch? Check(QueryParameters parameters, ObjectConstraint? listed)
    {
        foreach (var name in parameters.Names)
        {
            if (IsOverride(name) && listed?.Lists(name) != true) return new Mismatch(MismatchKind.Ambiguous, name, Detail: "would change the method");
        }
        return null;
    }

    private static bool IsOverride(string name) => name.Length >= Name.Length && (SameName.Fold(name) == Name || SameName.FoldBeforeBracket(name) == Name);
}
