using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Parameters;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Lints;

/// <summary>Warnings that take knowledge of the AT Protocol: methods that undo what rules for others say.</summary>
internal static class AtProtoLints
{
    private const string Prefix = "/xrpc/", ServiceAuth = Prefix + "com.atproto.server.getServiceAuth", Repository = Prefix + "com.atproto.repo.";

    /// <summary>The methods that write records, and what of their bodies names the collection.</summary>
    private static readonly (string Path, string Member)[] writers = [(Repository + "createRecord", "collection"), (Repository + "putRecord", "collection"),
        (Repository + "deleteRecord", "collection"), (Repository + "applyWrites", "writes")];

    /// <summary>Of policies that apply together. A wide pattern counts where the context is an account's, or where it speaks of methods itself.</summary>
    public static IEnumerable<Diagnostic> Check(AuthContext context, RuleIndex index)
    {
        var isAccount = context.Id.StartsWith("did:", StringComparison.Ordinal);
        foreach (var rule in Permits(index, ServiceAuth, Capability.Read).Where(rule => isAccount || IsOfMethods(rule)))
            yield return RuleDiagnostics.ServiceAuth(rule);
        var writes = writers.Select(writer => (writer.Path, Rules: Permits(index, writer.Path, Capability.Create).ToList(), writer.Member)).ToList();
        if (writes.SelectMany(write => write.Rules.Select(rule => (Rule: rule, write.Member)))
            .FirstOrDefault(found => IsOfMethods(found.Rule) && Ties(found.Rule, found.Member)).Rule is not { } tied)
            yield break;
        foreach (var (path, rules, member) in writes)
        {
            foreach (var free in rules.Where(rule => !Ties(rule, member) && (isAccount || IsOfMethods(rule))))
                yield return RuleDiagnostics.UntiedWrite(free, path, tied);
        }
    }

    private static bool IsOfMethods(PolicyRule rule) => rule.Path.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The rules that permit it, none where there is a deny of the same or a more specific pattern.</summary>
    private static IEnumerable<PolicyRule> Permits(RuleIndex index, string path, Capability capability)
    {
        var target = RequestTarget.OfPath(path);
        if (index.FindPermits(target, []) is not { } group) return [];
        var denies = new Highest();
        index.FindDenies(target, [], ref denies);
        return denies.Rank >= group.Rank ? [] : group.Permits.Select(use => use.Rule).Where(rule => Rules.Capabilities.Grants(rule.Granted, capability));
    }

    /// <summary>Whether the rule says which collections; one with a condition, or that refuses values, may.</summary>
    private static bool Ties(PolicyRule rule, string member) =>
        rule.When is not null || rule.Denied is not null
        || rule.Allowed?.Body?.Members.FirstOrDefault(found => found.Name == member) is { Value: not AnyConstraint };

    private struct Highest() : RuleNode.ISink
    {
        public int Rank { get; private set; } = int.MinValue;
        public void Found(RuleGroup group) => Rank = group.Denies.Any(use => use.Rule is { When: null, Expires: null }) ? Math.Max(Rank, group.Rank) : Rank;
    }
}
