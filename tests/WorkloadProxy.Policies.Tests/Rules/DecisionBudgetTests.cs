using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Rules;

/// <summary>What one caller's request may cost, however many rules look at it and however large it is.</summary>
public sealed class DecisionBudgetTests
{
    [Fact]
    public void A_body_becomes_values_once_however_many_conditions_read_it()
    {
        var hcl = string.Join('\n',
            Enumerable.Range(0, 60).Select(i => $"path \"/v2/x\" {{\n  capabilities = [\"create\"]\n  when = request.body.no == {i}\n}}"));
        var grants = Some.Set(("p", hcl)).MatchRoles(Some.Token());
        var body = $$"""{"no":99,"items":[{{string.Join(',', Enumerable.Repeat("{}", 300_000))}}]}""";
        Assert.True(RequestBody.TryParseJson(Encoding.UTF8.GetBytes(body), out var parsed, out _));
        var request = new AccessRequest { Method = "POST", Target = Some.Target("/v2/x"), Now = Some.Now, Body = parsed };
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(DecisionOutcome.Deny, grants.Decide(request).Outcome);
        var once = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(once, 0, 300_000_000);
        Assert.Equal(DecisionOutcome.Deny, grants.Decide(request).Outcome);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before - once, 0, once / 10);
    }

    [Fact]
    public void A_regex_looks_at_values_up_to_4_KiB()
    {
        var grants = Some.Set(("p", Rule("""allowed_parameters = { "a" = regex("[a-z]+") }"""))).MatchRoles(Some.Token());
        Assert.Equal(DecisionOutcome.Allow, Decide(new string('a', 4096)).Outcome);
        Assert.Equal(DecisionOutcome.Deny, Decide(new string('a', 4097)).Outcome);

        Decision Decide(string value) => Some.Decide(grants, "POST", "/v2/x", $$"""{"a":"{{value}}"}""");
    }

    [Fact]
    public void A_decision_that_takes_more_than_200_000_steps_is_a_denial()
    {
        var grants = Some.Set(("p", Rule("""allowed_parameters = { "a" = [regex("[a-z]+")] }"""))).MatchRoles(Some.Token());
        Assert.Equal(DecisionOutcome.Allow, Decide(40).Outcome);
        var decision = Decide(60);
        Assert.Equal(DecisionOutcome.Deny, decision.Outcome);
        Assert.Contains("more than 200000 steps", decision.Reason, StringComparison.Ordinal);
        Assert.Equal(DecisionOutcome.Allow, Decide(40).Outcome);

        Decision Decide(int values) => Some.Decide(grants, "POST", "/v2/x",
            $$"""{"a":[{{string.Join(',', Enumerable.Repeat($"\"{new string('a', 4000)}\"", values))}}]}""");
    }

    [Fact]
    public void A_value_that_was_not_looked_at_is_denied_by_denied_parameters()
    {
        var grants = Some.Set(("p", Rule("""denied_parameters = { "a" = [regex("[a-z]+z")] }"""))).MatchRoles(Some.Token());
        Assert.Equal(DecisionOutcome.Allow, Decide(40).Outcome);
        Assert.Equal(DecisionOutcome.Deny, Decide(60).Outcome);

        Decision Decide(int values) => Some.Decide(grants, "POST", "/v2/x",
            $$"""{"a":[{{string.Join(',', Enumerable.Repeat($"\"{new string('a', 4000)}\"", values))}}]}""");
    }

    [Theory]
    [InlineData(5, DecisionOutcome.Allow)]
    [InlineData(200, DecisionOutcome.Deny)]
    public void Conditions_on_a_request_without_a_body_share_one_budget(int conditions, DecisionOutcome expected)
    {
        var items = $"[{string.Join(", ", Enumerable.Range(0, 40))}]";
        // False, if it is evaluated to its end; a deny that is not holds.
        var deny = $"path \"/v2/x\" {{\n  capabilities = [\"deny\"]\n  when = length([for a in {items} : [for b in {items} : b]]) == claims.no\n}}";
        var grants = Some.Set(("p", string.Join('\n', Enumerable.Repeat(deny, conditions).Append("path \"/v2/x\" { capabilities = [\"create\"] }"))))
            .MatchRoles(Some.Token("\"no\":2"));
        Assert.Equal(expected, Some.Decide(grants, "POST", "/v2/x", "").Outcome);
    }

    private static string Rule(string attribute) => $"path \"/v2/x\" {{\n  capabilities = [\"create\"]\n  {attribute}\n}}";
}
