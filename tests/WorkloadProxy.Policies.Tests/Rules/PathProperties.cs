using FsCheck;
using FsCheck.Fluent;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Rules;

namespace WorkloadProxy.Policies.Tests.Rules;

public sealed class PathProperties
{
    private static readonly AuthContext Context = new("DigitalOcean", "f81d");
    private static readonly Claims NoClaims = Claims.Parse("{}"u8.ToArray());

    private static Config Bounded(ulong seed) => Config.QuickThrowOnFailure.WithMaxTest(2000).WithReplay(seed, 1UL);

    private static Gen<string> PatternText => Gen.Elements("a", "b", "ab", "+", "*", "a*", "*b", "a*b", "b*a*", "", "v1", "oidc", "_rbac", "A").NonEmptyListOf()
        .Select(segments => "/" + string.Join('/', segments)).Where(text => PathPattern.Compile(text, Context, out _) is not null);

    private static Gen<string> PathText => Gen.Elements("a", "b", "ab", "aab", "aXb", "ba", "c", "v1", "oidc", "_rbac", "A", "+", "*").NonEmptyListOf()
        .SelectMany(segments => Gen.Elements("", "/").Select(tail => "/" + string.Join('/', segments) + tail));

    [Fact]
    public void The_trie_decides_as_Vaults_documented_rule()
    {
        var (decided, several) = (0, 0);
        Check.One(Bounded(21), Prop.ForAll(PatternText.ListOf().SelectMany(patterns => PathText.Select(path => (patterns, path))).ToArbitrary(), sample =>
        {
            var index = Index(sample.patterns.Select(pattern => (pattern, false)));
            Assert.True(RequestTarget.TryParse(sample.path, out var target, out _, out _));
            var expected = ReferenceMatcher.Decide(sample.patterns, sample.path);
            if (expected is not null) decided++;
            if (sample.patterns.Distinct().Count(pattern => ReferenceMatcher.Matches(pattern, sample.path)) > 1) several++;
            return index.FindPermits(target, [])?.Pattern.Text == expected;
        }));
        Assert.True(decided > 500 && several > 200, $"only {decided} samples matched and {several} had a choice");
    }

    [Fact]
    public void Each_pattern_alone_agrees_with_the_trie_also_for_denies() => Check.One(Bounded(22), Prop.ForAll(
        PatternText.ListOf()
            .SelectMany(patterns => PathText.SelectMany(path => Gen.Elements("", ";x", "/;y", ";/z").Select(tail => (patterns, path: path + tail))))
            .ToArbitrary(), sample =>
        {
            if (!RequestTarget.TryParse(sample.path, out var target, out _, out _)) return true;
            var found = new Collected();
            Index(sample.patterns.Select(pattern => (pattern, true))).FindDenies(target, [], ref found);
            var alone = sample.patterns.Distinct().Where(pattern => PathPattern.Compile(pattern, Context, out _)!.Denies(target.MatchPath));
            return alone.ToHashSet().SetEquals(found.Patterns);
        }));

    [Fact]
    public void A_deny_holds_wherever_a_permit_of_its_pattern_would() => Check.One(Bounded(23), Prop.ForAll(
        PatternText.SelectMany(pattern => PathText.Select(path => (pattern, path))).ToArbitrary(), sample =>
        {
            var pattern = PathPattern.Compile(sample.pattern, Context, out _)!;
            if (!pattern.Permits(sample.path)) return true;
            var suffixed = string.Join('/', sample.path.Split('/').Select(segment => segment.Length == 0 ? segment : segment + ";v=1"));
            return pattern.Denies(sample.path) && pattern.Denies(sample.path.ToUpperInvariant()) && pattern.Denies(suffixed)
                && (sample.path.EndsWith('/') || pattern.Denies(sample.path + "/"));
        }));

    private static RuleIndex Index(IEnumerable<(string Pattern, bool Deny)> rules)
    {
        var compiled = rules.Select(rule => new PolicyRule(PathPattern.Compile(rule.Pattern, Context, out _)!)
        {
            Policy = "p", Range = new SourceRange("policies/p.hcl", default, default), Capabilities = [rule.Deny ? "deny" : "read"], IsDeny = rule.Deny,
            Granted = Capability.Read,
        });
        return new RuleIndex([new PolicyUse(new Policy { Name = "p", File = "policies/p.hcl", Rules = [.. compiled] }, null)]);
    }

    private sealed class Collected : RuleNode.ISink
    {
        public HashSet<string> Patterns { get; } = [];
        public void Found(RuleGroup group) => Patterns.Add(group.Pattern.Text);
    }
}
