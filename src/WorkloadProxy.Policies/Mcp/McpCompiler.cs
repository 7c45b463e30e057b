using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Rules;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Mcp;

/// <summary>One <c>mcp</c> block → <see cref="McpBlock"/>. Goes on after each error, so that all are reported.</summary>
internal sealed class McpCompiler(string policy, HclFile file, CompileOptions options, ParameterCompiler parameters, List<Diagnostic> found)
{
    private static readonly string[] ofBlock = ["client", "tasks"];
    private static readonly string[] ofRule = ["allowed_parameters", "denied_parameters", "deny", "description", "reason", "expires", "when"];

    /// <summary>Null when an error was reported.</summary>
    public McpBlock? Compile(HclBlock block)
    {
        foreach (var attribute in block.Body.Attributes)
        {
            if (!ofBlock.Contains(attribute.Name)) found.Add(McpDiagnostics.UnknownAttribute(attribute.Name, "mcp", ofBlock, attribute.NameRange));
        }
        if (block.Labels.Length != 1)
        {
            found.Add(McpDiagnostics.Labels("mcp", block.Labels.Length, block.TypeRange));
            return null;
        }
        var label = block.Labels[0];
        if (label.Value != "*" && !IsServerName(label.Value)) found.Add(McpDiagnostics.BadServer(label.Value, label.Range));
        else if (label.Value != "*" && options.McpServers is { } known && !known.Contains(label.Value))
            found.Add(McpDiagnostics.UnknownServer(label.Value, known, label.Range));
        var rules = ImmutableArray.CreateBuilder<McpRule>();
        foreach (var nested in block.Body.Blocks)
        {
            if (McpNames.Kind(nested.Type) is not { } kind) found.Add(McpDiagnostics.UnknownBlock(nested.Type, nested.TypeRange));
            else if (CompileRule(label.Value, kind, nested) is { } rule) rules.Add(rule);
        }
        return new McpBlock(label.Value, block.Header, rules.ToImmutable(), Client(block.Body), Flag(block.Body, "tasks"));
    }

    /// <summary>A server's name, as the configuration takes it.</summary>
    public static bool IsServerName(string name) =>
        name.Length is > 0 and <= 32 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private McpRule? CompileRule(string server, McpKind kind, HclBlock block)
    {
        var body = block.Body;
        foreach (var nested in body.Blocks) found.Add(McpDiagnostics.NestedBlock(nested.Type, block.Type, nested.TypeRange));
        foreach (var attribute in body.Attributes)
        {
            if (!ofRule.Contains(attribute.Name)) found.Add(McpDiagnostics.UnknownAttribute(attribute.Name, block.Type, ofRule, attribute.NameRange));
            else if (kind is McpKind.Resource or McpKind.Method && attribute.Name is "allowed_parameters" or "denied_parameters")
                found.Add(McpDiagnostics.NoArguments(attribute.Name, block.Type, attribute.NameRange));
        }
        if (block.Labels.Length != 1)
        {
            found.Add(McpDiagnostics.Labels(block.Type, block.Labels.Length, block.TypeRange));
            return null;
        }
        var label = block.Labels[0];
        var pattern = McpPattern.Compile(label.Value, kind, options.Context, out var fault);
        if (pattern is null) found.Add(McpDiagnostics.BadName(block.Type, label.Value, fault!, label.Range));
        else McpLints.CheckName(kind, pattern, label.Range, found);

        var (allowedWritten, deniedWritten, whenWritten) = (RuleCompiler.Find(body, "allowed_parameters"), RuleCompiler.Find(body, "denied_parameters"),
            RuleCompiler.Find(body, "when"));
        var allowed = allowedWritten is null ? null : parameters.Allowed(allowedWritten);
        var denied = deniedWritten is null ? null : parameters.Denied(deniedWritten);
        if (allowed is { Query: not { Members.IsEmpty: true, OthersPermitted: false } }) found.Add(McpDiagnostics.QueryName(allowedWritten!.NameRange));
        if (denied is { Query.IsEmpty: false }) found.Add(McpDiagnostics.QueryName(deniedWritten!.NameRange));
        var deny = Flag(body, "deny");
        if (deny && (allowedWritten ?? deniedWritten) is not null) found.Add(McpDiagnostics.DenyWithOthers(label.Range));
        var description = RuleCompiler.Text(body, "description", parameters, found);
        var reason = RuleCompiler.Text(body, "reason", parameters, found);
        var expires = RuleCompiler.CompileExpires(body, parameters, found);
        var when = whenWritten is null ? null : Condition.Compile(whenWritten.Expression, ConditionScope.Mcp, found, parameters.Locals);
        // a part that did not compile is an error already reported; the rule must not come to life without it
        if (pattern is null || (allowedWritten is not null && allowed is null) || (deniedWritten is not null && denied is null)
            || (whenWritten is not null && when is null))
            return null;
        return new McpRule(pattern)
        {
            Policy = policy,
            Server = server,
            Kind = kind,
            Range = block.Header,
            IsDeny = deny,
            Description = description,
            Reason = reason,
            Expires = expires,
            When = when,
            WhenText = when is null ? null : file.TextOf(when.Expression),
            Allowed = allowed,
            Denied = denied,
            ParameterClaims = [.. (allowed?.ClaimNames ?? []).Concat(denied?.ClaimNames ?? []).Distinct(StringComparer.Ordinal)],
        };
    }

    private McpClient Client(HclBody body)
    {
        var client = McpClient.None;
        if (RuleCompiler.Find(body, "client") is not { } attribute || attribute.Expression.Evaluate(parameters.Evaluation, found) is not { } value)
            return client;
        if (value.Kind != HclValueKind.Tuple || value.Items.Any(item => item.Kind != HclValueKind.String))
        {
            found.Add(McpDiagnostics.WrongType("client", ValueText.Kind(value), "a list of strings", "write `client = [\"elicitation\"]`",
                attribute.Expression.Range));
            return client;
        }
        foreach (var item in value.Items)
        {
            if (McpNames.Client(item.AsString) is not McpClient.None and var one) client |= one;
            else found.Add(McpDiagnostics.UnknownClient(item.AsString, attribute.Expression.Range));
        }
        return client;
    }

    private bool Flag(HclBody body, string name)
    {
        if (RuleCompiler.Find(body, name) is not { } attribute || attribute.Expression.Evaluate(parameters.Evaluation, found) is not { } value) return false;
        if (value.Kind == HclValueKind.Bool) return value.AsBool;
        found.Add(McpDiagnostics.WrongType(name, ValueText.Kind(value), "a bool", $"write `{name} = true`", attribute.Expression.Range));
        return false;
    }
}
