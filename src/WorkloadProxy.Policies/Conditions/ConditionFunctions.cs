using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Conditions;

/// <summary>
/// The functions of a <c>when</c>, named and meant as in Terraform where it has them:
/// <c>contains(list, value)</c> · <c>strcontains(text, part)</c> · <c>startswith(text, part)</c> · <c>endswith(text, part)</c> · <c>length(text, list or
/// object)</c> · <c>lower(text)</c> · <c>upper(text)</c> · <c>lookup(object, name, default)</c>, which is how a claim that may be missing is read ·
/// <c>regex(pattern, text)</c>: whether the whole text matches, in linear time; the pattern is a constant · <c>now_in(zone)</c>: <c>now</c> by the clocks of a
/// time zone, which is a constant too. All are pure. A call counts as one step, so what it may look at is bounded.
/// </summary>
internal static partial class ConditionFunctions
{
    private const int MaxText = 64 * 1024;
    private const int MaxMatched = 4 * 1024;
    private const int MaxItems = 1024;
    private const string NowIn = "now_in";

    private static readonly FrozenDictionary<string, HclFunction> Constant = new Dictionary<string, HclFunction>
    {
        ["contains"] = Contains,
        ["strcontains"] = OfTexts("strcontains", (text, part) => text.Contains(part, StringComparison.Ordinal)),
        ["startswith"] = OfTexts("startswith", (text, part) => text.StartsWith(part, StringComparison.Ordinal)),
        ["endswith"] = OfTexts("endswith", (text, part) => text.EndsWith(part, StringComparison.Ordinal)),
        ["length"] = Length,
        ["lower"] = OfText("lower", text => text.ToLowerInvariant()),
        ["upper"] = OfText("upper", text => text.ToUpperInvariant()),
        ["lookup"] = Lookup,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly string[] Names = [.. Constant.Keys.Append("regex").Append(NowIn).Order(StringComparer.Ordinal)];

    /// <summary>
    /// What the expression may call. Every function that it does call exists; the patterns of its <c>regex</c> calls are compiled here, once.
    /// </summary>
    public static FrozenDictionary<string, HclFunction> For(HclExpression expression, ICollection<Diagnostic> diagnostics)
    {
        var patterns = new Dictionary<string, Regex>(StringComparer.Ordinal);
        foreach (var call in expression.Calls())
        {
            if (call.Name == "regex") AddPattern(call, patterns, diagnostics);
            else if (call.Name == NowIn) CheckZone(call, diagnostics);
            else if (!Constant.ContainsKey(call.Name)) diagnostics.Add(ConditionDiagnostics.UnknownFunction(call.Name, Names, call.NameRange));
        }
        if (patterns.Count == 0) return Constant;
        return Constant.Append(new("regex", MatcherOf(patterns.ToFrozenDictionary(StringComparer.Ordinal)))).ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Whether the expression looks at a clock other than UTC's.</summary>
    public static bool ReadsZone(HclExpression expression) => expression.Calls().Any(call => call.Name == NowIn);

    /// <summary><paramref name="functions"/> and, at one time, <c>now_in</c>.</summary>
    public static Dictionary<string, HclFunction> At(IReadOnlyDictionary<string, HclFunction> functions, DateTimeOffset now) =>
        new(functions, StringComparer.Ordinal)
    {
        [NowIn] = (ImmutableArray<HclValue> arguments, out string? error) =>
        {
            if (arguments is not [{ Kind: HclValueKind.String } zone] || FindZone(zone.AsString) is not { } found)
                return Failed("`now_in` takes a time zone", out error);
            error = null;
            return ConditionValues.Now(now, found);
        },
    };

    private static void CheckZone(HclFunctionCallExpression call, ICollection<Diagnostic> diagnostics)
    {
        var argument = call.Arguments.FirstOrDefault();
        if (argument is null || argument.References().Any()
            || argument.Evaluate(new EvaluationContext(), []) is not { Kind: HclValueKind.String, AsString: var zone })
            diagnostics.Add(ConditionDiagnostics.BadZone("the time zone of `now_in` is not a constant string", argument?.Range ?? call.Range));
        else if (FindZone(zone) is null)
            diagnostics.Add(ConditionDiagnostics.BadZone($"unknown time zone `{zone}`", argument.Range));
    }

    // The name becomes a path below the system's time zones: it must not lead out of them.
    private static TimeZoneInfo? FindZone(string name) => ZoneName().IsMatch(name) && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : null;

    [GeneratedRegex(@"\A[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*\z")]
    private static partial Regex ZoneName();

    // A pattern that came from a claim would let the caller choose the automaton.
    private static void AddPattern(HclFunctionCallExpression call, Dictionary<string, Regex> patterns, ICollection<Diagnostic> diagnostics)
    {
        var argument = call.Arguments.FirstOrDefault();
        if (argument is null || argument.References().Any()
            || argument.Evaluate(new EvaluationContext(), []) is not { Kind: HclValueKind.String, AsString: var pattern })
        {
            diagnostics.Add(ConditionDiagnostics.BadRegex("the pattern of `regex` is not a constant string", argument?.Range ?? call.Range));
        }
        else if (LinearRegex.TryCompile(pattern, out var regex, out var error)) patterns[pattern] = regex;
        else diagnostics.Add(ConditionDiagnostics.BadRegex(error, argument.Range));
    }

    private static HclFunction MatcherOf(FrozenDictionary<string, Regex> patterns) => (ImmutableArray<HclValue> arguments, out string? error) =>
    {
        if (arguments is not [{ Kind: HclValueKind.String } pattern, { Kind: HclValueKind.String, AsString: { Length: <= MaxMatched } text }]
            || !patterns.TryGetValue(pattern.AsString, out var regex))
        {
            return Failed($"`regex` takes a pattern and a string of at most {MaxMatched} characters", out error);
        }
        error = null;
        return HclValue.FromBool(regex.IsMatch(text));
    };

    private static HclValue? Contains(ImmutableArray<HclValue> arguments, out string? error)
    {
        if (arguments is not [{ Kind: HclValueKind.Tuple } list, { Kind: HclValueKind.String or HclValueKind.Number or HclValueKind.Bool } value])
            return Failed("`contains` takes a list and a string, number or bool", out error);
        if (list.Items.Length > MaxItems) return Failed($"`contains` takes at most {MaxItems} items", out error);
        error = null;
        return HclValue.FromBool(list.Items.Contains(value));
    }

    private static HclValue? Length(ImmutableArray<HclValue> arguments, out string? error)
    {
        error = null;
        switch (arguments)
        {
            case [{ Kind: HclValueKind.String, AsString: { Length: <= MaxText } text }]: return HclValue.FromNumber(new StringInfo(text).LengthInTextElements);
            case [{ Kind: HclValueKind.Tuple } list]: return HclValue.FromNumber(list.Items.Length);
            case [{ Kind: HclValueKind.Object } value]: return HclValue.FromNumber(value.Members.Count);
            default: return Failed("`length` takes one string, list or object", out error);
        }
    }

    private static HclValue? Lookup(ImmutableArray<HclValue> arguments, out string? error)
    {
        if (arguments is not [{ Kind: HclValueKind.Object } value, { Kind: HclValueKind.String } name, var otherwise])
            return Failed("`lookup` takes an object, a name and a default", out error);
        error = null;
        return value.Members.GetValueOrDefault(name.AsString, otherwise);
    }

    private static HclFunction OfText(string name, Func<string, string> apply) => (ImmutableArray<HclValue> arguments, out string? error) =>
    {
        if (arguments is not [{ Kind: HclValueKind.String, AsString: { Length: <= MaxText } text }]) return Failed($"`{name}` takes one string", out error);
        error = null;
        return HclValue.FromString(apply(text));
    };

    private static HclFunction OfTexts(string name, Func<string, string, bool> apply) => (ImmutableArray<HclValue> arguments, out string? error) =>
    {
        if (arguments is not [{ Kind: HclValueKind.String, AsString: { Length: <= MaxText } text }, { Kind: HclValueKind.String } part])
            return Failed($"`{name}` takes two strings", out error);
        error = null;
        return HclValue.FromBool(apply(text, part.AsString));
    };

    private static HclValue? Failed(string text, out string? error)
    {
        error = text;
        return null;
    }
}
