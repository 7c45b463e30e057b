using System.Text;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Conditions;
using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Conditions;

public class ConditionTests
{
    private const string Claims =
        """{"iss":"i","ref":"refs/heads/main","level":3,"admin":true,"nothing":null,"groups":["a","b"],"k8s":{"ns":"prod"},"huge":1e999,"huger":1e998,"oidc/project":"p"}""";

    private static (Condition? Condition, string[] Errors) Compiled(string text, ConditionScope scope)
    {
        var file = HclParser.Parse("c.hcl", Encoding.UTF8.GetBytes($"when = {text}\n"));
        Assert.Empty(file.Diagnostics);
        var errors = new List<Diagnostic>();
        return (Condition.Compile(file.Body.Attributes[0].Expression, scope, errors), [.. errors.Select(Compile.Line)]);
    }

    private static string Result(string text, ConditionInput input, ConditionScope scope = ConditionScope.Rule)
    {
        var (condition, errors) = Compiled(text, scope);
        Assert.True(condition is not null, string.Join('\n', errors));
        var result = condition.Evaluate(input);
        return result.IsTrue ? "true" : result.IsFalse ? "false" : $"error: {result.Error}";
    }

    private static ConditionInput Input(params (string Name, string Value)[] query) => new()
    {
        Claims = Compile.Claims(Claims), Now = Compile.Noon, Method = "GET", Path = "/v2/databases/1",
        Query = [.. query.Select(pair => KeyValuePair.Create(pair.Name, pair.Value))],
        Body = ConditionValues.FromJson(System.Text.Json.JsonElement.Parse("""{"size":3,"tags":["x"]}""")),
    };

    [Theory]
    [InlineData("claims.ref == \"refs/heads/main\"", "true")]
    [InlineData("claims.ref != \"refs/heads/main\"", "false")]
    [InlineData("claims.level >= 3 && claims.admin", "true")]
    [InlineData("claims.level == \"3\"", "false")]
    [InlineData("claims.k8s.ns == \"prod\"", "true")]
    [InlineData("claims.k8s[\"ns\"] == \"prod\"", "true")]
    [InlineData("claims[\"oidc/project\"] == \"p\"", "true")]
    [InlineData("claims.groups[1] == \"b\"", "true")]
    [InlineData("claims.nothing == null", "true")]
    [InlineData("{ a = claims.huge } == { a = claims.huger }", "false")]
    [InlineData("claims.admin || claims.missing == \"x\"", "true")]
    [InlineData("contains(claims.groups, \"b\")", "true")]
    [InlineData("contains(claims.groups, \"c\")", "false")]
    [InlineData("startswith(claims.ref, \"refs/heads/\")", "true")]
    [InlineData("endswith(claims.ref, \"/main\")", "true")]
    [InlineData("strcontains(claims.ref, \"heads\")", "true")]
    [InlineData("length(claims.groups) == 2 && length(claims.ref) == 15 && length(claims.k8s) == 1", "true")]
    [InlineData("upper(claims.k8s.ns) == \"PROD\" && lower(\"ÄB\") == \"äb\"", "true")]
    [InlineData("lookup(claims, \"missing\", \"x\") == \"x\"", "true")]
    [InlineData("lookup(claims, \"ref\", \"x\") == \"x\"", "false")]
    [InlineData("regex(\"refs/heads/[a-z]+\", claims.ref)", "true")]
    [InlineData("regex(\"heads\", claims.ref)", "false")]
    [InlineData("regex(\"a|refs/heads/main|b\", claims.ref)", "true")]
    [InlineData("now.hour == 12 && now.weekday == 5 && now.unix == 1795176000", "true")]
    [InlineData("now.hour >= 8 && now.hour < 18 ? claims.admin : false", "true")]
    [InlineData("request.method == \"GET\" && request.path == \"/v2/databases/1\"", "true")]
    [InlineData("request.query.a == \"1\"", "true")]
    [InlineData("request.body.size <= 3 && request.body.tags[0] == \"x\"", "true")]
    [InlineData("length([for group in claims.groups : group if group == \"a\"]) == 1", "true")]
    public void An_expression_over_claims_time_and_request(string text, string expected) => Assert.Equal(expected, Result(text, Input(("a", "1"), ("b", "2"))));

    [Theory]
    [InlineData("claims.missing == \"x\"")]
    [InlineData("claims.missing != \"x\"")]
    [InlineData("!(claims.missing == \"x\")")]
    [InlineData("claims.missing == null")]
    [InlineData("claims.k8s.missing == 1")]
    [InlineData("claims.groups[7] == \"x\"")]
    [InlineData("claims.ref > 3")]
    [InlineData("claims.ref")]
    [InlineData("claims.level")]
    [InlineData("claims.nothing")]
    [InlineData("claims.huge == 1")]
    [InlineData("claims.huge != 1")]
    [InlineData("claims.huge > 1")]
    [InlineData("claims.missing == \"x\" && claims.admin")]
    [InlineData("claims.admin && claims.missing == \"x\"")]
    [InlineData("contains(claims.ref, \"r\")")]
    [InlineData("startswith(claims.level, \"3\")")]
    [InlineData("request.query.missing == \"\"")]
    [InlineData("request.query.twice != \"1\"")]
    [InlineData("request.query[\"twice\"] != \"1\"")]
    [InlineData("length(request.query) == 2")]
    [InlineData("lookup(request.query, \"twice\", \"\") != \"1\"")]
    [InlineData("request.body.missing == 1")]
    public void What_can_not_be_computed_is_an_error_and_never_an_answer(string text)
        => Assert.StartsWith("error: ", Result(text, Input(("a", "1"), ("twice", "1"), ("twice", "2"))));

    [Fact]
    public void A_name_given_twice_hinders_only_who_reads_it()
        => Assert.Equal("true", Result("request.query.a == \"1\"", Input(("a", "1"), ("twice", "1"), ("twice", "2"))));

    [Fact]
    public void An_absent_body_is_an_empty_object()
        => Assert.Equal("true",
            Result("length(request.body) == 0", new ConditionInput { Claims = Compile.Claims("{}"), Now = Compile.Noon, Method = "GET", Path = "/" }));

    [Fact]
    public void An_evaluation_ends_when_its_budget_is_spent()
    {
        var list = string.Join(", ", Enumerable.Range(0, 200));
        Assert.StartsWith("error: ", Result($"length([for a in [{list}] : [for b in [{list}] : a + b]]) == 200 && claims.admin", Input()));
    }

    [Fact]
    public void Sunday_is_seven()
        => Assert.Equal("true",
            Result("now.weekday == 7 && now.hour == 23",
                new ConditionInput { Claims = Compile.Claims("{}"), Now = new DateTimeOffset(2026, 11, 23, 1, 0, 0, TimeSpan.FromHours(2)) }));

    [Theory]
    [InlineData("nwo.hour < 3", "c.hcl:1:8 error unknown-name: unknown name `nwo` in `when`")]
    [InlineData("now.huor < 3", "c.hcl:1:8 error unknown-name: unknown name `now.huor` in `when`")]
    [InlineData("now[\"huor\"] < 3", "c.hcl:1:8 error unknown-name: unknown name `now.huor` in `when`")]
    [InlineData("now.hour.x < 3", "c.hcl:1:8 error unknown-name: unknown name `now.hour.x` in `when`")]
    [InlineData("true || claims.a == nwo", "c.hcl:1:28 error unknown-name: unknown name `nwo` in `when`")]
    [InlineData("\"${nwo}\" == \"a\"", "c.hcl:1:11 error unknown-name: unknown name `nwo` in `when`")]
    [InlineData("[for x in claims.a : y][0]", "c.hcl:1:29 error unknown-name: unknown name `y` in `when`")]
    [InlineData("7", "c.hcl:1:8 error wrong-type: `when` is a number, expected a bool")]
    [InlineData("null", "c.hcl:1:8 error wrong-type: `when` is null, expected a bool")]
    [InlineData("\"true\"", "c.hcl:1:8 error wrong-type: `when` is a string, expected a bool")]
    [InlineData("nope(claims.a)", "c.hcl:1:8 error unknown-function: unknown function `nope` in `when`")]
    [InlineData("true || nope(claims.a)", "c.hcl:1:16 error unknown-function: unknown function `nope` in `when`")]
    [InlineData("regex(claims.a, claims.b)", "c.hcl:1:14 error bad-regex: the pattern of `regex` is not a constant string")]
    [InlineData("regex(\"(\", claims.b)", "c.hcl:1:14 error bad-regex: the regex is malformed at its character")]
    [InlineData("regex(\"(?=a)b\", claims.b)", "c.hcl:1:14 error bad-regex: the regex uses look-around or back-references")]
    public void A_name_that_can_not_exist_is_an_error_when_compiled(string text, string expected)
    {
        foreach (var scope in (ConditionScope[])[ConditionScope.Role, ConditionScope.Rule])
        {
            var (condition, errors) = Compiled(text, scope);
            Assert.Null(condition);
            Assert.StartsWith(expected, Assert.Single(errors));
        }
    }

    [Theory]
    [InlineData("request.method == \"GET\"", "c.hcl:1:8 error unknown-name: unknown name `request` in the `when` of a role", null)]
    [InlineData("request.methd == \"GET\"", "c.hcl:1:8 error unknown-name: unknown name `request` in the `when` of a role",
        "c.hcl:1:8 error unknown-name: unknown name `request.methd` in `when`")]
    [InlineData("request.path.x == \"GET\"", "c.hcl:1:8 error unknown-name: unknown name `request` in the `when` of a role",
        "c.hcl:1:8 error unknown-name: unknown name `request.path.x` in `when`")]
    public void Only_a_rule_sees_the_request(string text, string inRole, string? inRule)
    {
        Assert.Equal([inRole], Compiled(text, ConditionScope.Role).Errors);
        Assert.Equal(inRule is null ? [] : [inRule], Compiled(text, ConditionScope.Rule).Errors);
    }

    [Theory]
    [InlineData("request.body.a == 1", true, false)]
    [InlineData("request.query.a == \"1\"", false, true)]
    [InlineData("length(request) == 4", true, true)]
    [InlineData("request[\"body\"].a == 1", true, false)]
    [InlineData("request.method == \"GET\"", false, false)]
    [InlineData("claims.a == 1", false, false)]
    public void A_condition_tells_what_it_reads(string text, bool body, bool query)
    {
        var condition = Compiled(text, ConditionScope.Rule).Condition!;
        Assert.Equal((body, query), (condition.ReadsBody, condition.ReadsQuery));
    }
}
