using System.Text;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Rules;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Explaining;

/// <summary>A role or a <c>path</c> block for one denied request, as HCL: nothing wider than the request itself.</summary>
internal static class ProposedRule
{
    /// <summary>
    /// A block with the request's own parameters. Without a body and a query, a method that only reads or deletes is left free.
    /// <paramref name="beside"/> is the rule of the same pattern whose <c>when</c> the new one takes over.
    /// </summary>
    public static string Block(string path, Capability needed, in AccessRequest request, AuthContext context, PolicyRule? beside = null)
    {
        var text = new StringBuilder();
        text.Append("path ").Append(HclText.Quote(path)).Append(" {\n");
        text.Append("  capabilities = [").AppendJoin(", ", Capabilities.NamesOf(needed).Select(HclText.Quote)).Append("]\n");
        if (Parameters(needed, request) is { } parameters)
        {
            text.Append("  allowed_parameters = ").Append(ForEveryContext(parameters, request, context)).Append('\n');
        }
        if (beside?.WhenText is { } when) text.Append("  when = ").Append(when).Append('\n');
        return text.Append("}\n").ToString();
    }

    public static string Role(PolicySet set, Claims claims)
    {
        var issuer = claims.String("iss");
        var text = new StringBuilder("role \"NAME\" {\n");
        if (issuer is not null && issuer != set.Options.OwnIssuer) text.Append("  iss      = ").Append(HclText.Quote(issuer)).Append('\n');
        text.Append("  aud      = ")
            .Append(HclText.Quote(claims.String("aud") is { } audience && audience != set.Context.ToString()
                ? audience : $"api://{set.Context.Upstream}?actx={{actx}}")).Append('\n');
        if (claims.String("sub") is { } subject) text.Append("  sub      = ").Append(HclText.Quote(subject)).Append('\n');
        return text.Append("  policies = [\"NAME\"]\n}\n").ToString();
    }

    /// <summary>Where tokens are minted, <c>{actx}</c> in place of the id.</summary>
    public static string ForEveryContext(string parameters, in AccessRequest request, AuthContext context)
        => request.Target.Path == OwnPaths.Issue ? parameters.Replace(context.Id, "{actx}", StringComparison.Ordinal) : parameters;

    private static string? Parameters(Capability needed, in AccessRequest request)
    {
        var body = request.Body is { IsAbsent: false } read && ParameterValue.Of(read) is { IsObject: true } value ? value : default;
        // A body that no constraint can describe is permitted as a whole or not at all.
        if (request.Body is { IsAbsent: false } && !body.IsObject) return null;
        var mayHaveBody = (needed & (Capability.Create | Capability.Update | Capability.Patch)) != 0;
        if (!mayHaveBody && !body.IsObject && request.Target.RawQuery.Length == 0) return null;
        var members = body.IsObject ? Members(body) : [];
        var query = Members(ParameterValue.Of(request.Target.Query));
        return HclText.Object(query.Count == 0 ? members : members.Append(("?", HclText.Object(query))));
    }

    private static List<(string, string)> Members(ParameterValue value) => [.. value.Members.Select(member => (member.Name, HclText.Literal(member.Value)))];
}
