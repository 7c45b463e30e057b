using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests;

/// <summary>
/// <c>docs/policy-language.md</c>: every <c>hcl</c> block compiles, and every <c>decisions</c> and <c>tokens</c> block below it says what comes of it. A line
/// of <c>decisions</c> is <c>allow|deny|400|415 METHOD TARGET [BODY] [# what the reason holds]</c>; or <c>allow|deny mcp SERVER KIND NAME [ARGUMENTS] [#
/// …]</c>; a <c>claims</c> block above it is the caller's token. A line of <c>tokens</c> is <c>match|no CLAIMS</c>.
/// </summary>
public sealed class PolicyLanguagePageTests
{
    private const string Language = "policy-language.md";

    public static TheoryData<string> Sections => [.. Page.Sections(Language).Where(section => section.Of("hcl").Any()).Select(section => section.Title)];

    [Theory]
    [MemberData(nameof(Sections))]
    public void A_section_s_example_does_what_the_page_says(string title)
    {
        var section = Page.Sections(Language).Single(section => section.Title == title);
        var files = Example.Files(section);
        var compiled = PolicyCompiler.Compile(files, Some.Options);
        var hasDiagnostics = section.Of("text").Any();
        if (hasDiagnostics || !compiled.Diagnostics.IsEmpty) Page.Expect(Language, title, 0, "text", Example.Render(compiled, files));
        if (compiled.Set is not { } set)
        {
            Assert.True(hasDiagnostics && !section.Of("decisions").Any() && !section.Of("tokens").Any(), $"`{title}` does not compile");
            return;
        }
        var checks = 0;
        var claims = "";
        foreach (var fence in section.Fences)
        {
            switch (fence.Language)
            {
                case "claims":
                    claims = fence.Text;
                    break;
                case "decisions":
                    foreach (var line in fence.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)) Decide(set, claims, line, ref checks);
                    break;
                case "tokens":
                    foreach (var line in fence.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)) Match(set, line, ref checks);
                    break;
            }
        }
        var tests = PolicyTestRunner.Run(set, Some.Now);
        Assert.All(tests.Results, test => Assert.True(test.Passed, $"test `{test.Name}`: {test.Reason}"));
        Assert.True(checks + tests.Results.Length > 0 || hasDiagnostics, $"`{title}` shows HCL and says nothing that could be checked");
    }

    private static void Decide(PolicySet set, string claims, string line, ref int checks)
    {
        var (request, reason) = line.Split(" # ") is [var before, var after] ? (before.TrimEnd(), after.Trim()) : (line, "");
        var parts = request.Split(' ', 4, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts[1] == "mcp")
        {
            Expect(line, reason, DecideCall(set, claims, request.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries)));
            checks++;
            return;
        }
        var body = parts.ElementAtOrDefault(3) ?? "";
        var isForm = body.Length > 0 && body[0] is not ('{' or '[' or '"');
        var decision = Some.Decide(set.MatchRoles(Example.Token(claims)), parts[1], parts[2], body,
            isForm ? "application/x-www-form-urlencoded" : "application/json");
        // what the server does for an upstream without `EncodedSlash`
        if (RequestTarget.TryParse(parts[2], out var target, out _, out _) && target.HasEncodedSlash)
            decision = decision with { Outcome = DecisionOutcome.BadRequest };
        Expect(line, reason, decision);
        checks++;
    }

    private static void Expect(string line, string reason, Decision decision)
    {
        var found = decision.Outcome switch { DecisionOutcome.Allow => "allow", DecisionOutcome.Deny => "deny", DecisionOutcome.BadRequest => "400",
            DecisionOutcome.UnsupportedMediaType => "415", DecisionOutcome.MethodNotAllowed => "405", _ => "body" };
        Assert.True(line.Split(' ')[0] == found, $"{line}\nfound {found}: {decision.Reason}");
        Assert.Contains(reason, decision.Reason, StringComparison.Ordinal);
    }

    /// <summary>A call of an MCP server: <c>allow|deny mcp SERVER KIND NAME [ARGUMENTS]</c>.</summary>
    private static Decision DecideCall(PolicySet set, string claims, string[] call) =>
        set.MatchRoles(Example.Token(claims)).Mcp(call[2], Some.Now).Decide(new McpRequest
    {
        Kind = Enum.Parse<McpKind>(call[3], ignoreCase: true),
        Name = call[4],
        Method = call[3] switch { "tool" => "tools/call", "prompt" => "prompts/get", "resource" => "resources/read", _ => call[4] },
        Now = Some.Now,
        Arguments = Encoding.UTF8.GetBytes(call.ElementAtOrDefault(5) ?? ""),
    });

    private static void Match(PolicySet set, string line, ref int checks)
    {
        var parts = line.Split(' ', 2, StringSplitOptions.TrimEntries);
        var roles = set.MatchRoles(Example.Token(parts[1])).RoleNames;
        var found = roles.IsEmpty ? "no" : "match";
        Assert.True(parts[0] == found, $"{line}\nfound {found}");
        checks++;
    }

    /// <summary>The worked table of priorities: | the patterns that match | the one that decides | because |.</summary>
    [Fact]
    public void The_pattern_that_the_table_names_decides()
    {
        var rows = Rows("Which rule decides").Select(row => (Patterns: Quoted(row[0]), Decides: Assert.Single(Quoted(row[1]))))
            .Where(row => row.Patterns.Count > 1).ToList();
        Assert.True(rows.Count >= 4);
        foreach (var (patterns, decides) in rows)
        {
            var policy = string.Concat(patterns.Select(pattern => $"path \"{pattern}\" {{\n  capabilities = [\"read\"]\n}}\n"));
            var decision = Some.Decide(Some.Set(("p", policy)).MatchRoles(Some.Token()), "GET", "/v2/apps/a/keys");
            Assert.Equal(DecisionOutcome.Allow, decision.Outcome);
            Assert.Equal(decides, patterns[(decision.Rule!.Value.Start.Line - 1) / 3]);
        }
    }

    /// <summary>The table of shared issuers: what is said to pin a tenant compiles, what is said to pin nothing does not.</summary>
    [Fact]
    public void What_the_table_of_shared_issuers_says_of_a_claim_holds()
    {
        var rows = Rows("Shared issuers");
        Assert.True(rows.Count >= 8);
        foreach (var row in rows)
        {
            var issuer = row[0].StartsWith('`') ? $"iss = \"{row[0].Trim('`')}\"\n" : "";
            foreach (var good in Quoted(row[2])) Assert.True(Compiles(issuer, good), $"{row[0]}: {good}");
            foreach (var bad in Quoted(row[3]).Except(["job_workflow_ref", "pipeline_slug", "org-evil"]))
                Assert.False(Compiles(issuer, bad), $"{row[0]}: {bad}");
        }

        static bool Compiles(string issuer, string constraint)
        {
            var claim = constraint.Contains(" = ", StringComparison.Ordinal) ? constraint : $"sub = \"{constraint}\"";
            return PolicyCompiler.Compile([Some.File("roles/r.hcl", $"role \"r\" {{\n{issuer}aud = "
                + $"\"api://DigitalOcean?actx={{actx}}\"\n{claim}\npolicies = []\n}}\n")], Some.Options).Set is not null;
        }
    }

    private static List<string[]> Rows(string title)
    {
        var lines = File.ReadAllLines(Path.Combine(Page.Top, "docs", Language));
        var start = Array.FindIndex(lines, line => line.TrimStart('#').Trim() == title);
        return [.. lines.Skip(start + 1).TakeWhile(line => !line.StartsWith('#')).Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(2)
            .Select(line => line.Trim('|', ' ').Split(" | ", StringSplitOptions.TrimEntries))
            .Select(row => row.Length < 4 ? [.. row, "", ""] : row)];
    }

    private static List<string> Quoted(string cell) => [.. cell.Split('`').Where((_, i) => i % 2 == 1)];

    [Fact]
    public void The_page_has_every_form()
    {
        var page = File.ReadAllText(Path.Combine(Page.Top, "docs", Language), Encoding.UTF8);
        foreach (var form in (string[])["policies", "description", "enabled", "expires", "max_ttl", "when", "claims = {", "{actx}", "{claims.", "...}",
            "optional(", "any()", "exact(", "glob(", "regex(", "min(", "max(", "range(", "one_of(",
            "denied_parameters", "\"?\"", "\"*\" = []", "lookup(", "startswith(", "request.body", "request.query", "request.method", "request.path", "now.hour",
            "now.weekday", "now.unix", "droplet_id", "actx_source"])
            Assert.Contains(form, page, StringComparison.Ordinal);
    }
}
