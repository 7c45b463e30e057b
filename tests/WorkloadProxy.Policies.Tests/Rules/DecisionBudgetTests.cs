using System.Diagnostics;
using System.Text;

namespace WorkloadProxy.Policies.Tests.Rules;

/// <summary>What one caller's request may cost, however many rules look at it and however large it is.</summary>
public sealed class DecisionBudgetTests
{
    [Fact]
    public void A_body_of_a_megabyte_and_sixty_conditions_are_decided_in_no_time()
    {
        var hcl = string.Join('\n', Enumerable.Range(0, 60).Select(i => $"path \"/v2/x\" {{\n  capabilities = [\"create\"]\n  when = request.body.no == {i}\n}}"));
        var grants = Some.Set(("p", hcl)).MatchRoles(Some.Token());
        var body = $$"""{"no":99,"items":[{{string.Join(',', Enumerable.Repeat("{}", 300_000))}}]}""";
        var watch = Stopwatch.StartNew();
        Assert.Equal(DecisionOutcome.Deny, Some.Decide(grants, "POST", "/v2/x", body).Outcome);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 3);
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

        Decision Decide(int values) => Some.Decide(grants, "POST", "/v2/x", $$"""{"a":[{{string.Join(',', Enumerable.Repeat($"\"{new string('a', 4000)}\"", values))}}]}""");
    }

    [Fact]
    public void A_value_that_was_not_looked_at_is_denied_by_denied_parameters()
    {
        var grants = Some.Set(("p", Rule("""denied_parameters = { "a" = [regex("[a-z]+z")] }"""))).MatchRoles(Some.Token());
        Assert.Equal(DecisionOutcome.Allow, Decide(40).Outcome);
        Assert.Equal(DecisionOutcome.Deny, Decide(60).Outcome);

        Decision Decide(int values) => Some.Decide(grants, "POST", "/v2/x", $$"""{"a":[{{string.Join(',', Enumerable.Repeat($"\"{new string('a', 4000)}\"", values))}}]}""");
    }

    [Fact]
    public void Many_conditions_on_a_request_without_a_body_have_one_budget()
    {
        // A deny that can't be evaluated denies: were the permits' conditions to use the budget up, it would not be passed.
        var slow = "when = length([for a in split : [for b in split : b == a]]) > 0".Replace("split", $"[{string.Join(", ", Enumerable.Range(0, 60))}]", StringComparison.Ordinal);
        var hcl = string.Join('\n', Enumerable.Range(0, 200).Select(_ => $"path \"/v2/x\" {{\n  capabilities = [\"create\"]\n  {slow} && claims.no == 1\n}}"));
        var grants = Some.Set(("p", hcl)).MatchRoles(Some.Token("\"no\":2"));
        var watch = Stopwatch.StartNew();
        Assert.Equal(DecisionOutcome.Deny, Some.Decide(grants, "POST", "/v2/x", "").Outcome);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 2);
    }

    private static string Rule(string attribute) => $"path \"/v2/x\" {{\n  capabilities = [\"create\"]\n  {attribute}\n}}";
}
