namespace WorkloadProxy.Hcl;

/// <summary>Every error of evaluation, with its text. They name kinds, names and lengths, and no value but a key.</summary>
internal static class EvaluationErrors
{
    private const string Comparison = "a bool is `true`, `false` or a comparison: `x == \"prod\"`";
    private const string TestForNull = "test for it first: `x == null ? … : …`";
    private const int MostNamed = 16;

    private static Diagnostic Error(string code, string summary, string? help, SourceRange range) => new(DiagnosticSeverity.Error, code, summary, help, range);

    private static string Kind(HclValue value) => value.Kind switch
    {
        HclValueKind.Null => "null",
        HclValueKind.Bool => "a bool",
        HclValueKind.Number => "a number",
        HclValueKind.String => "a string",
        HclValueKind.Tuple => "a list",
        HclValueKind.Object => "an object",
        _ => "a function's result",
    };

    private static string? DidYouMean(string name, IEnumerable<string> candidates)
    {
        if (NameSuggestion.Nearest(name, candidates) is { } suggestion) return $"did you mean `{suggestion}`?";
        var known = candidates.Take(MostNamed + 1).ToList();
        return known.Count is 0 or > MostNamed
            ? null : $"known are {string.Join(", ", known.Order(StringComparer.Ordinal).Select(other => $"`{Short(other)}`"))}";
    }

    /// <summary>A name as it stands in a message; it may be as long as the file.</summary>
    private static string Short(string name) => name.Length <= 80 ? name : name[..80] + "…";

    public static Diagnostic Invalid(SourceRange range) => Error("invalid-expression", "this is not an expression", null, range);
    public static Diagnostic Budget(SourceRange range) =>
        Error("evaluation-budget", "evaluation takes too many steps, or too much memory", "make the expression smaller; loops within loops multiply", range);
    public static Diagnostic TooDeep(SourceRange range) =>
        Error("nesting-too-deep", "the value or the expression is nested too deep", "nest it less: it comes from loops or templates within one another", range);

    public static Diagnostic VariablesNotAllowed(string name, SourceRange range) =>
        Error("variables-not-allowed", $"found the variable `{Short(name)}`, but there are no variables here",
            $"for a string write `\"{Short(name)}\"`", range);
    public static Diagnostic UnknownVariable(string name, IEnumerable<string> known, SourceRange range) =>
        Error("unknown-variable", $"there is no variable `{Short(name)}`", DidYouMean(name, known), range);
    public static Diagnostic FunctionsNotAllowed(SourceRange range) =>
        Error("functions-not-allowed", "there are no functions here", "write the value that it gives", range);
    public static Diagnostic UnknownFunction(string name, IEnumerable<string> known, SourceRange range) =>
        Error("unknown-function", $"there is no function `{Short(name)}`", DidYouMean(name, known), range);
    public static Diagnostic FunctionFailed(string name, string? error, SourceRange range) =>
        Error("function-failed", error ?? $"`{Short(name)}` failed", null, range);
    public static Diagnostic Expansion(HclValue value, SourceRange range) =>
        Error("invalid-expansion", $"only a list can be expanded by `...`, but found {Kind(value)}", "remove the `...`, or put the value into a list", range);

    public static Diagnostic Operand(HclValue value, string wanted, SourceRange range) =>
        Error("invalid-operand", $"expected {wanted}, but found {Kind(value)}", value.Kind switch
    {
        HclValueKind.Null => TestForNull,
        HclValueKind.String when wanted == "a number" => "a number is written without quotes",
        _ when wanted == "a bool" => Comparison,
        _ => null,
    }, range);
    public static Diagnostic DivisionByZero(SourceRange range) =>
        Error("division-by-zero", "the divisor is zero", "test for it first: `x == 0 ? … : 1 / x`", range);
    public static Diagnostic NumberOutOfRange(SourceRange range) =>
        Error("number-out-of-range", "the result is too large, too small or too long",
            $"a number has at most {HclNumber.MaxDigits} digits and an exponent up to {HclNumber.MaxExponent}", range);
    public static Diagnostic Condition(HclValue value, SourceRange range) =>
        Error("invalid-condition", $"the condition must be a bool, but is {Kind(value)}", value.Kind == HclValueKind.Null ? TestForNull : Comparison, range);
    public static Diagnostic InconsistentResults(HclValue a, HclValue b, SourceRange range) => Error(
        "inconsistent-results",
        Kind(a) == Kind(b) ? $"both results must be of one type, but {Kind(a)} differs from the other in a part"
            : $"both results must be of one type, but found {Kind(a)} and {Kind(b)}",
        a.Kind == HclValueKind.Tuple || b.Kind == HclValueKind.Tuple ? "write both as lists, `[VALUE]` for a single one" : "write both in one type",
        range);

    public static Diagnostic NoAttribute(string name, IEnumerable<string> known, SourceRange range) =>
        Error("unknown-attribute", $"the object has no attribute `{Short(name)}`", DidYouMean(name, known), range);
    public static Diagnostic NullAttribute(string name, SourceRange range) =>
        Error("unknown-attribute", $"found null, which has no attribute `{Short(name)}`", TestForNull, range);
    public static Diagnostic NotAnObject(HclValue value, string name, SourceRange range) => Error(
        "unknown-attribute",
        $"found {Kind(value)}, which has no attribute `{Short(name)}`",
        value.Kind == HclValueKind.Tuple ? $"for one item write `[0].{Short(name)}`, for all of them `[*].{Short(name)}`" : null,
        range);
    public static Diagnostic NullIndexed(SourceRange range) => Error("invalid-index", "found null, which has no items", TestForNull, range);
    public static Diagnostic NullIndex(SourceRange range) => Error("invalid-index", "the index is null", TestForNull, range);
    public static Diagnostic IndexKind(HclValue key, string wanted, SourceRange range) =>
        Error("invalid-index", $"the index must be {wanted}, but is {Kind(key)}", wanted == "a number"
            ? "items of a list are counted from 0: `[0]`" : "attributes of an object go by name: `[\"NAME\"]`", range);
    public static Diagnostic NoItem(HclNumber index, int length, SourceRange range) => Error(
        "invalid-index",
        index.Sign < 0 ? "the index is negative" : !index.IsWhole ? "the index has a fraction" : $"the list has {length} items, and the index counts from 0",
        length == 0 ? "test for it first: `x == [] ? … : …`" : $"write an index from 0 to {length - 1}",
        range);
    public static Diagnostic NotIndexable(HclValue value, SourceRange range) =>
        Error("invalid-index", $"found {Kind(value)}, which has no items", "only a list or an object has an index: remove it", range);

    public static Diagnostic NullKey(SourceRange range) =>
        Error("invalid-key", "the key is null", "write a key; for a value that may be missing: `(x == null ? \"none\" : x)`", range);
    public static Diagnostic KeyKind(HclValue key, SourceRange range) =>
        Error("invalid-key", $"a key must be a string, but is {Kind(key)}", "write a string: `\"KEY\"`", range);
    public static Diagnostic AmbiguousKey(SourceRange range) =>
        Error("ambiguous-key", "a key with a dot or an index may be a name or a reference", "write a name in quotes, a reference in parentheses", range);
    public static Diagnostic DuplicateKey(string name, SourceRange range) =>
        Error("duplicate-key", $"two items give the key `{Short(name)}`", "to keep both in a list, write `...` after the value", range);
    public static Diagnostic NullIteration(SourceRange range) =>
        Error("invalid-iteration", "`for` needs a list or an object, but found null", TestForNull, range);
    public static Diagnostic NotIterable(HclValue value, SourceRange range) =>
        Error("invalid-iteration", $"`for` needs a list or an object, but found {Kind(value)}", "put a single value into a list: `[VALUE]`", range);
    public static Diagnostic TemplateValue(HclValue value, SourceRange range) =>
        Error("invalid-template-value", $"a template takes strings, numbers and bools, but found {Kind(value)}", value.Kind == HclValueKind.Null
            ? TestForNull : "put in one part of it, or `%{for x in …}${x}%{endfor}` for each", range);
}
