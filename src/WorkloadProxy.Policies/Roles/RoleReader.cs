using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Sets;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Roles;

/// <summary>Reads one <c>role</c> block, going on after each error, so that all of them come at once.</summary>
internal sealed class RoleReader(HclBlock block, HclFile file, CompileOptions options, EvaluationContext evaluation, SetLocals locals,
    ICollection<Diagnostic> diagnostics)
{
    public static readonly ImmutableArray<string> Reserved = ["policies", "description", "enabled", "expires", "max_ttl", "when", "reason", "credential"];

    private readonly DiagnosticBag found = [];
    private readonly List<IssuerReference> issuers = [];
    private readonly List<RoleClaim> claims = [];
    private readonly Dictionary<string, SourceRange> claimNames = [];
    private string name = "";

    /// <summary>Null when there was any error.</summary>
    public Role? Read()
    {
        var role = ReadRole();
        foreach (var diagnostic in found) diagnostics.Add(diagnostic);
        return found.HasErrors ? null : role;
    }

    private Role ReadRole()
    {
        name = NamedBlock.NameOf(block, found);
        ImmutableArray<PolicyReference>? policies = null;
        string? description = null;
        string? reason = null;
        var enabled = true;
        DateTimeOffset? expires = null;
        int? maxTtl = null;
        RoleCredential? credential = null;
        HclAttribute? when = null;
        Condition? condition = null;
        foreach (var attribute in block.Body.Attributes)
        {
            if (attribute.Name == "when")
            {
                when = attribute;
                condition = Condition.Compile(attribute.Expression, ConditionScope.Role, found, locals);
                continue;
            }
            var value = attribute.Expression.Evaluate(evaluation, found);
            switch (attribute.Name)
            {
                // What could not be evaluated was reported; it must not be reported as missing too.
                case "policies": policies = value is null ? [] : ReadPolicies(attribute, value); break;
                case "description": description = Expect(attribute, value, HclValueKind.String, "a string")?.AsString; break;
                case "reason": reason = Expect(attribute, value, HclValueKind.String, "a string")?.AsString; break;
                case "enabled": enabled = Expect(attribute, value, HclValueKind.Bool, "a bool")?.AsBool ?? false; break;
                case "expires": expires = ReadTime(attribute, value); break;
                case "max_ttl": maxTtl = ReadTtl(attribute, value); break;
                case "credential": credential = value is null ? null : RoleCredentialReader.Read(attribute, value, found); break;
                case "claims": ReadClaims(attribute, value); break;
                default: ReadClaim(attribute.Name, attribute.NameRange, value, attribute.Expression); break;
            }
        }
        Require("policies", policies is not null, "name what it may do: `policies = [\"NAME\"]`");
        Require("aud", claimNames.ContainsKey("aud"), "name whom its tokens are for: `aud = \"api://" + options.Context.Upstream + "?actx={actx}\"`");
        // A claim that could not be read may be the very one that pins; then the other errors are enough.
        if (!found.HasErrors) Tenancy.Check(name, block.TypeRange, issuers, claims, condition is { IsConstant: false }, options, found);
        return new Role(options, [.. claims])
        {
            Name = name,
            Range = block.Header,
            Description = description,
            Reason = reason,
            Issuers = [.. issuers.Select(issuer => issuer.Issuer)],
            Enabled = enabled,
            Expires = expires,
            MaxTtl = maxTtl,
            Credential = credential,
            When = condition,
            WhenText = when is null ? null : file.TextOf(when.Expression),
            PolicyNames = policies ?? [],
            IssuerRanges = [.. issuers],
        };
    }

    private void Require(string attribute, bool isThere, string help)
    {
        if (isThere) return;
        var others = block.Body.Attributes.Select(other => other.Name).Except(Reserved).Except(["iss", "sub", "aud"]).ToList();
        // `policy` and `audience` are further away than a slip of the finger, and the likeliest of all.
        var lookalike = NameSuggestion.Nearest(attribute, others)
            ?? others.Find(other => other.StartsWith(attribute[..Math.Min(attribute.Length, 5)], StringComparison.Ordinal));
        found.Add(RoleDiagnostics.Missing("role", name, attribute, lookalike, help, block.Header));
    }

    private HclValue? Expect(HclAttribute attribute, HclValue? value, HclValueKind kind, string expected)
    {
        if (value is null || value.Kind == kind) return value;
        found.Add(RoleDiagnostics.WrongType(attribute.Name, value, expected, attribute.Expression.Range));
        return null;
    }

    private ImmutableArray<PolicyReference> ReadPolicies(HclAttribute attribute, HclValue value)
    {
        if (Expect(attribute, value, HclValueKind.Tuple, "a list of policy names") is null) return [];
        var names = ImmutableArray.CreateBuilder<PolicyReference>();
        for (var i = 0; i < value.Items.Length; i++)
        {
            var range = ItemOf(attribute.Expression, i).Range;
            if (value.Items[i].Kind != HclValueKind.String) found.Add(RoleDiagnostics.WrongType("policies", value.Items[i], "a policy name", range));
            else names.Add(new PolicyReference(value.Items[i].AsString, range));
        }
        if (value.Items.IsEmpty) found.Add(RoleDiagnostics.NoPolicies(name, attribute.Expression.Range));
        return names.ToImmutable();
    }

    private DateTimeOffset? ReadTime(HclAttribute attribute, HclValue? value)
    {
        if (Expect(attribute, value, HclValueKind.String, "a time as a string") is not { AsString: var text }) return null;
        if (Rfc3339.TryParse(text, out var time)) return time;
        found.Add(RoleDiagnostics.BadTime(attribute.Name, text, attribute.Expression.Range));
        return null;
    }

    private int? ReadTtl(HclAttribute attribute, HclValue? value)
    {
        if (Expect(attribute, value, HclValueKind.Number, "a number of seconds") is not { } number) return null;
        if (int.TryParse(number.AsNumber.ToString(), out var seconds) && seconds >= 1) return seconds;
        found.Add(RoleDiagnostics.BadTtl(number.AsNumber.ToString(), attribute.Expression.Range));
        return null;
    }

    private void ReadClaims(HclAttribute attribute, HclValue? value)
    {
        if (Expect(attribute, value, HclValueKind.Object, "an object of claims") is null) return;
        var items = ItemsByName(attribute.Expression);
        foreach (var (claim, expected) in value!.Members)
        {
            var item = items.GetValueOrDefault(claim);
            ReadClaim(claim, item?.Key.Range ?? attribute.Expression.Range, expected, item?.Value ?? attribute.Expression);
        }
    }

    private void ReadClaim(string claim, SourceRange range, HclValue? value, HclExpression expression)
    {
        if (!claimNames.TryAdd(claim, range)) found.Add(RoleDiagnostics.DuplicateClaim(claim, claimNames[claim], range));
        else if (value is null) return;
        else if (claim == "iss") ReadIssuers(value, expression);
        else if (Constraint(claim, value, expression) is { } constraint) claims.Add(new RoleClaim(claim, range, value, constraint, expression));
    }

    private void ReadIssuers(HclValue value, HclExpression expression)
    {
        if (value is { Kind: HclValueKind.Null } or { Kind: HclValueKind.Tuple, Items: [] })
        {
            found.Add(RoleDiagnostics.EmptyConstraint("iss", value, expression.Range));
            return;
        }
        var items = value.Kind == HclValueKind.Tuple ? value.Items : [value];
        for (var i = 0; i < items.Length; i++)
        {
            var range = value.Kind == HclValueKind.Tuple ? ItemOf(expression, i).Range : expression.Range;
            if (items[i].Kind != HclValueKind.String) found.Add(RoleDiagnostics.WrongType("iss", items[i], "an issuer as a string", range));
            else if (ReadIssuer(items[i].AsString, range) is { } issuer && !issuers.Exists(other => other.Issuer == issuer))
                issuers.Add(new IssuerReference(issuer, range));
            if (issuers.Count <= PolicyCompiler.MaxIssuers) continue;
            found.Add(RoleDiagnostics.TooManyIssuers(PolicyCompiler.MaxIssuers, range));
            return;
        }
    }

    private string? ReadIssuer(string text, SourceRange range)
    {
        if (text.Contains('*'))
        {
            found.Add(RoleDiagnostics.IssuerWildcard(text, range));
            return null;
        }
        var issuer = TextPattern.Compile(text, options.Context).LiteralPrefix;
        if (IssuerUrl.Normalize(issuer) == IssuerUrl.Normalize(options.OwnIssuer)) found.Add(RoleDiagnostics.OwnIssuer(issuer, range));
        else if (options.PassThroughIssuers.Contains(issuer)) found.Add(RoleDiagnostics.PassThroughIssuer(issuer, range));
        else if (!IssuerUrl.IsValid(issuer)) found.Add(RoleDiagnostics.IssuerUrl(issuer, range));
        else return issuer;
        return null;
    }

    private ClaimConstraint? Constraint(string path, HclValue value, HclExpression expression, bool inList = false)
    {
        switch (value.Kind)
        {
            case HclValueKind.String:
                if (value.AsString.Contains("{claims.", StringComparison.Ordinal))
                    found.Add(RoleDiagnostics.NoTemplate(path, value.AsString, expression.Range));
                return new ClaimConstraint.Text(TextPattern.Compile(value.AsString, options.Context), value.AsString);
            case HclValueKind.Number: return new ClaimConstraint.Number(value.AsNumber);
            case HclValueKind.Bool: return new ClaimConstraint.Bool(value.AsBool);
            case HclValueKind.Object when value.Members.Count > 0: return Members(path, value, expression);
            case HclValueKind.Tuple when !inList && !value.Items.IsEmpty: return Options(path, value, expression);
            case HclValueKind.Opaque:
            case HclValueKind.Tuple when inList:
                found.Add(RoleDiagnostics.BadConstraint(path, value, expression.Range));
                return null;
            default: found.Add(RoleDiagnostics.EmptyConstraint(path, value, expression.Range)); return null;
        }
    }

    private ClaimConstraint.AnyOf? Options(string path, HclValue list, HclExpression expression)
    {
        var options = ImmutableArray.CreateBuilder<ClaimConstraint>();
        for (var i = 0; i < list.Items.Length; i++) if (Constraint(path, list.Items[i], ItemOf(expression, i), inList: true) is { } option) options.Add(option);
        return options.Count == list.Items.Length ? new ClaimConstraint.AnyOf(options.ToImmutable()) : null;
    }

    private ClaimConstraint.Object? Members(string path, HclValue value, HclExpression expression)
    {
        var items = ItemsByName(expression);
        var members = ImmutableArray.CreateBuilder<KeyValuePair<string, ClaimConstraint>>();
        foreach (var (member, expected) in value.Members)
        {
            if (Constraint($"{path}.{member}", expected, items.GetValueOrDefault(member)?.Value ?? expression) is { } constraint)
                members.Add(new(member, constraint));
        }
        return members.Count == value.Members.Count ? new ClaimConstraint.Object(members.ToImmutable()) : null;
    }

    // In an object the later of two members counts, as in HashiCorp's library. Two constraints on one claim were hardly meant so.
    private Dictionary<string, HclObjectItem> ItemsByName(HclExpression expression)
    {
        var items = new Dictionary<string, HclObjectItem>();
        if (expression.Inner() is not HclObjectExpression written) return items;
        foreach (var item in written.Items)
        {
            if (item.Key.Evaluate(evaluation, []) is not { Kind: HclValueKind.String, AsString: var member }) continue;
            if (!items.TryAdd(member, item)) found.Add(RoleDiagnostics.DuplicateClaim(member, items[member].Key.Range, item.Key.Range));
        }
        return items;
    }

    private static HclExpression ItemOf(HclExpression expression, int index)
        => expression.Inner() is HclTupleExpression { Items: var items } && index < items.Length ? items[index] : expression;
}
