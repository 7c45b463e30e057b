namespace WorkloadProxy.Policies.Tests.Conditions;

/// <summary>What an author has told to callers whom nothing but a <c>when</c> refuses.</summary>
public sealed class ReasonTests
{
    [Fact]
    public void A_rule_tells_its_reason_when_its_condition_is_false()
    {
        var grants = Some.Set(("p", """
            path "/v2/x" {
              capabilities = ["delete"]
              when         = now_in("Europe/Berlin").weekday < 6
              reason       = "deletions wait for Monday"
            }
            """)).MatchRoles(Some.Token());
        // Some.Now is a Saturday
        var decision = Some.Decide(grants, "DELETE", "/v2/x", "");
        Assert.Equal(DecisionOutcome.Deny, decision.Outcome);
        Assert.Contains("deletions wait for Monday", decision.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("wait for Monday", Some.Decide(grants, "GET", "/v2/x", "").Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_role_tells_its_reason_when_its_condition_is_false()
    {
        var set = Some.Set(Some.Compile([("p", "path \"/v2/x\" { capabilities = [\"read\"] }")], "when = now.hour < 12\nreason = \"the window is closed\""));
        Assert.Contains("the window is closed", Some.Decide(set.MatchRoles(Some.Token()), "GET", "/v2/x", "").Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("now_in(\"Europe/Berlin\").hour == 13", true)]
    [InlineData("now_in(\"America/New_York\").hour == 7", true)]
    [InlineData("now_in(\"Pacific/Kiritimati\").weekday == 7", true)]
    [InlineData("now_in(\"Asia/Kolkata\").unix == now.unix", true)]
    [InlineData("now_in(\"UTC\").hour == 13", false)]
    public void A_condition_reads_the_clocks_of_a_time_zone(string when, bool holds)
    {
        var set = Some.Set(Some.Compile([("p", "path \"/v2/x\" { capabilities = [\"read\"] }")], $"when = {when}"));
        Assert.Equal(holds ? DecisionOutcome.Allow : DecisionOutcome.Deny, Some.Decide(set.MatchRoles(Some.Token()), "GET", "/v2/x", "").Outcome);
    }

    [Theory]
    [InlineData("now_in(\"Europe/Berlinn\").hour > 1")]
    [InlineData("now_in(\"../../etc/passwd\").hour > 1")]
    [InlineData("now_in(\"/etc/localtime\").hour > 1")]
    [InlineData("now_in(\"\").hour > 1")]
    [InlineData("now_in(claims.zone).hour > 1")]
    [InlineData("now_in().hour > 1")]
    public void A_time_zone_is_a_known_constant(string when)
        => Assert.Contains(Some.Compile([("p", "path \"/v2/x\" { capabilities = [\"read\"] }")], $"when = {when}").Diagnostics,
            diagnostic => diagnostic.Code == "bad-time-zone");
}
