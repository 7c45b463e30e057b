using System.Collections.Immutable;
using System.Text.RegularExpressions;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Lints;
using WorkloadProxy.Policies.Mcp;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Sets;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Rules;

/// <summary>One policy file → <see cref="Policy"/>.</summary>
internal static partial class RuleCompiler
{
    private static readonly string[] Attributes = ["capabilities", "allowed_parameters", "denied_parameters", "description", "expires", "when", "reason"];

    /// <summary>Null if there is any error; all of them are reported. What the parser found is left to the caller to report.</summary>
    public static Policy? Compile(string name, HclFile file, CompileOptions options, SetScope scope, ICollection<Diagnostic> diagnostics)
    {
        if (file.HasErrors) return null;
        var found = new List<Diagnostic>();
        var parameters = new ParameterCompiler(options.Context, found, scope);
        foreach (var attribute in file.Body.Attributes) found.Add(RuleDiagnostics.AttributeOutside(attribute.Name, attribute.NameRange));
        var rules = ImmutableArray.CreateBuilder<PolicyRule>();
        var mcp = new McpCompiler(name, file, options, parameters, found);
        var blocks = ImmutableArray.CreateBuilder<McpBlock>();
        foreach (var block in file.Body.Blocks)
        {
            if (block.Type == SetLocals.Block) continue;
            if (block.Type == "mcp")
            {
                if (mcp.Compile(block) is { } servers) blocks.Add(servers);
            }
            else if (block.Type != "path") found.Add(RuleDiagnostics.UnknownBlock(block.Type, block.TypeRange));
            else if (CompileRule(name, file, block, options, parameters, found) is { } rule) rules.Add(rule);
        }
        foreach (var diagnostic in found) diagnostics.Add(diagnostic);
        if (found.Any(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)) return null;
        return new Policy { Name = name, File = file.Name, Rules = rules.ToImmutable(), Mcp = blocks.ToImmutable() };
    }

    private static PolicyRule? CompileRule(string policy, HclFile file, HclBlock block, CompileOptions options, ParameterCompiler parameters,
        List<Diagnostic> found)
    {
        var body = block.Body;
        foreach (var nested in body.Blocks) found.Add(RuleDiagnostics.NestedBlock(nested.Type, nested.TypeRange));
        foreach (var attribute in body.Attributes)
        {
            if (!Attributes.Contains(attribute.Name)) found.Add(RuleDiagnostics.UnknownAttribute(attribute.Name, Attributes, attribute.NameRange));
        }
        if (block.Labels.Length != 1)
        {
            found.Add(RuleDiagnostics.Labels(block.Labels.Length, block.TypeRange));
            return null;
        }
        var label = block.Labels[0];
        var pattern = PathPattern.Compile(label.Value, options.Context, out var fault);
        if (pattern is null) found.Add(RuleDiagnostics.BadPattern(label.Value, fault!, label.Range));
        else LintPattern(pattern, label, found);

        var capabilities = CompileCapabilities(block, parameters, found);
        var allowedWritten = Find(body, "allowed_parameters");
        var allowed = allowedWritten is null ? null : parameters.Allowed(allowedWritten);
        var deniedWritten = Find(body, "denied_parameters");
        var denied = deniedWritten is null ? null : parameters.Denied(deniedWritten);
        if (denied is not null && allowed is null) DeniedTextLint.Check(denied, name => RangeOf(deniedWritten!, name, parameters), found);
        var description = Text(body, "description", parameters, found);
        var reason = Text(body, "reason", parameters, found);
        var expires = CompileExpires(body, parameters, found);
        var when = Find(body, "when") is { } written ? Condition.Compile(written.Expression, ConditionScope.Rule, found, parameters.Locals) : null;
        if (pattern is null || capabilities is not { } names) return null;

        var isDeny = names.Contains(Capabilities.Deny);
        var granted = names.Aggregate(Capability.None, (all, one) => all | Capabilities.Parse(one));
        if (isDeny && (names.Length > 1 || allowedWritten is not null || deniedWritten is not null)) found.Add(RuleDiagnostics.DenyWithOthers(label.Range));
        if (!isDeny && granted.HasFlag(Capability.Create) && IssueRule.IsReachedBy(pattern) && (allowedWritten is null || allowed is not null))
            IssueRule.Check(allowed, options, name => allowedWritten is null ? label.Range : RangeOf(allowedWritten, name, parameters), found);
        // A part that did not compile is an error already found; the rule must not come to life without it.
        if ((allowedWritten is not null && allowed is null) || (deniedWritten is not null && denied is null)) return null;
        if (Find(body, "when") is not null && when is null) return null;
        var allowedBody = allowed?.Body is { IsFree: false } named ? named : null;
        var isProtobuf = allowedBody is { IsProtobuf: true } || denied is { Body.IsProtobuf: true };
        if (isProtobuf && ((allowedBody is { IsProtobuf: false, Members.IsEmpty: false }) || denied is { Body: { IsProtobuf: false, Values.Count: > 0 } }))
            found.Add(RuleDiagnostics.FieldNumbers("`allowed_parameters` and `denied_parameters` mix names and numbers of fields", label.Range));
        if (isProtobuf && when is { ReadsBody: true }) found.Add(RuleDiagnostics.FieldsInWhen(Find(body, "when")!.Expression.Range));
        return new PolicyRule(pattern)
        {
            Policy = policy,
            Range = block.Header,
            Capabilities = names,
            Description = description,
            Reason = reason,
            Expires = expires,
            When = when,
            WhenText = when is null ? null : file.TextOf(when.Expression),
            IsDeny = isDeny,
            Granted = isDeny ? Capability.None : granted,
            Allowed = allowed,
            Denied = denied,
            ParameterClaims = [.. (allowed?.ClaimNames ?? []).Concat(denied?.ClaimNames ?? []).Distinct(StringComparer.Ordinal)],
        };
    }

    private static ImmutableArray<string>? CompileCapabilities(HclBlock block, ParameterCompiler parameters, List<Diagnostic> found)
    {
        if (Find(block.Body, "capabilities") is not { } attribute)
        {
            found.Add(RuleDiagnostics.MissingCapabilities(block.Labels[0].Range));
            return null;
        }
        var value = attribute.Expression.Evaluate(parameters.Evaluation, found);
        if (value is null) return null;
        if (value.Kind != HclValueKind.Tuple)
        {
            // what the author wrote, so that taking the advice changes nothing else
            var meant = value.Kind == HclValueKind.String && Capabilities.Names.Contains(value.AsString) ? value.AsString : "read";
            found.Add(RuleDiagnostics.WrongType("capabilities", ValueText.Kind(value), "a list of strings", $"write `capabilities = [\"{meant}\"]`",
                attribute.Expression.Range));
            return null;
        }
        if (value.Items.IsEmpty)
        {
            found.Add(RuleDiagnostics.NoCapabilities(attribute.Expression.Range));
            return null;
        }
        var names = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; i < value.Items.Length; i++)
        {
            var range = attribute.Expression is HclTupleExpression tuple ? tuple.Items[i].Range : attribute.Expression.Range;
            var item = value.Items[i];
            if (item.Kind != HclValueKind.String)
                found.Add(RuleDiagnostics.WrongType("capabilities", $"a list with {ValueText.Kind(item)} in it", "a list of strings", null, range));
            else if (!Capabilities.Names.Contains(item.AsString)) found.Add(RuleDiagnostics.UnknownCapability(item.AsString, range));
            else if (names.Contains(item.AsString)) found.Add(RuleDiagnostics.RepeatedCapability(item.AsString, range));
            else
            {
                names.Add(item.AsString);
                if (item.AsString == "list") found.Add(RuleDiagnostics.ListCapability(range));
            }
        }
        return names.Count == 0 ? null : names.ToImmutable();
    }

    private static SourceRange RangeOf(HclAttribute written, string name, ParameterCompiler parameters) =>
        (written.Expression as HclObjectExpression)?.Items.Where(item => item.Key.Evaluate(parameters.Evaluation, []) is { Kind: HclValueKind.String } key
            && key.AsString == name)
            .Select(item => item.Value.Range).Cast<SourceRange?>().FirstOrDefault() ?? written.NameRange;

    public static DateTimeOffset? CompileExpires(HclBody body, ParameterCompiler parameters, List<Diagnostic> found)
    {
        if (Text(body, "expires", parameters, found) is not { } text) return null;
        if (Rfc3339.TryParse(text, out var time)) return time;
        found.Add(RuleDiagnostics.BadTime("expires", text, Find(body, "expires")!.Expression.Range));
        return null;
    }

    public static string? Text(HclBody body, string name, ParameterCompiler parameters, List<Diagnostic> found)
    {
        if (Find(body, name) is not { } attribute || attribute.Expression.Evaluate(parameters.Evaluation, found) is not { } value) return null;
        if (value.Kind == HclValueKind.String) return value.AsString;
        found.Add(RuleDiagnostics.WrongType(name, ValueText.Kind(value), "a string", null, attribute.Expression.Range));
        return null;
    }

    private static void LintPattern(PathPattern pattern, HclLabel label, List<Diagnostic> found)
    {
        if (pattern.Text is "/v1/oidc/token") found.Add(RuleDiagnostics.NeverConsulted(pattern.Text, label.Range));
        if (pattern.Text.Contains('?')) found.Add(RuleDiagnostics.QueryInPattern(label.Range));
        if (pattern.Text.Contains("**", StringComparison.Ordinal)) found.Add(RuleDiagnostics.TwoStars(label.Range));
        var isForeign = ForeignSyntax.CheckPath(pattern.Text, label.Range, found);
        if (!isForeign && pattern.Text.Split('/').FirstOrDefault(segment => segment.Length > 1 && segment.Contains('+')) is { } literal)
            found.Add(RuleDiagnostics.LiteralPlus(literal, label.Range));
        foreach (Match template in Template().Matches(pattern.Text))
        {
            if (template.Value != "{actx}" && !template.Value.StartsWith("{claims.", StringComparison.Ordinal))
                found.Add(RuleDiagnostics.UnknownTemplate(template.Value, label.Range));
        }
    }

    public static HclAttribute? Find(HclBody body, string name) => body.Attributes.FirstOrDefault(attribute => attribute.Name == name);

    [GeneratedRegex(@"\{[^{}/]*\}")]
    private static partial Regex Template();
}
