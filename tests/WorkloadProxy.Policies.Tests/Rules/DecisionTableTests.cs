using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Rules;

/// <summary>
/// The tables under <c>Decisions/</c>. A case begins with <c>== TITLE</c>; <c>-- policy NAME</c> is followed by HCL, <c>-- claims</c> by further members of the
/// token, <c>-- requests</c> by lines <c>METHOD TARGET [BODY] =&gt; OUTCOME [text of the reason]</c>, <c>-- diagnostics</c> by the errors and warnings
/// expected. A body is JSON, or <c>form:…</c>, or <c>type/subtype:…</c>.
/// </summary>
public sealed class DecisionTableTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Rules", "Decisions");

    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var file in Directory.GetFiles(Folder, "*.txt").Order(StringComparer.Ordinal))
            {
                foreach (var line in File.ReadLines(file).Where(line => line.StartsWith("== ", StringComparison.Ordinal)))
                    data.Add(Path.GetFileName(file), line[3..]);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_request_of_a_table_is_decided_as_it_says(string file, string title)
    {
        var (policies, claims, requests, diagnostics) = Read(file, title);
        var result = Some.Compile([.. policies]);
        var found = result.Diagnostics.Where(diagnostic => diagnostic.Code != "unused-policy").Select(Line).ToList();
        if (diagnostics is not null) Assert.True(diagnostics.SequenceEqual(found), string.Join("\n", found));
        else Assert.DoesNotContain(result.Diagnostics, diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
        if (requests.Count == 0) return;

        var grants = result.Set!.MatchRoles(Some.Token(claims));
        var wrong = new List<string>();
        foreach (var line in requests)
        {
            var arrow = line.LastIndexOf(" => ", StringComparison.Ordinal);
            var request = line[..arrow].Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
            var expected = line[(arrow + 4)..].Trim().Split(' ', 2);
            var (type, body) = Body(request.Length > 2 ? request[2] : "");
            var upgrade = request[0] == "UPGRADE";
            var decision = Some.Decide(grants, upgrade ? "GET" : request[0], request[1], body, type, upgrade);
            if (Name(decision.Outcome) != expected[0] || (expected.Length > 1 && !decision.Reason.Contains(expected[1], StringComparison.Ordinal)))
                wrong.Add($"{line}\n    found {Name(decision.Outcome)}: {decision.Reason}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static (string Type, string Body) Body(string text)
    {
        if (text.StartsWith("form:", StringComparison.Ordinal)) return ("application/x-www-form-urlencoded", text[5..]);
        if (text.StartsWith("none:", StringComparison.Ordinal)) return ("", text[5..]);
        var colon = text.IndexOf(": ", StringComparison.Ordinal);
        return colon > 0 && text[0] is not ('{' or '[' or '"') ? (text[..colon], text[(colon + 2)..]) : ("application/json", text);
    }

    private static string Name(DecisionOutcome outcome) => outcome switch
    {
        DecisionOutcome.Allow => "allow",
        DecisionOutcome.Deny => "deny",
        DecisionOutcome.BadRequest => "400",
        DecisionOutcome.MethodNotAllowed => "405",
        DecisionOutcome.UnsupportedMediaType => "415",
        _ => outcome.ToString(),
    };

    private static string Line(Diagnostic diagnostic)
        => $"{diagnostic.Severity.ToString().ToLowerInvariant()} {diagnostic.Code} {diagnostic.Range.Start.Line}:{diagnostic.Range.Start.Column} "
            + $"{diagnostic.Summary}{(diagnostic.Help is null ? "" : $" | {diagnostic.Help}")}";

    private static (List<(string, string)> Policies, string Claims, List<string> Requests, List<string>? Diagnostics) Read(string file, string title)
    {
        var policies = new List<(string, string)>();
        var requests = new List<string>();
        List<string>? diagnostics = null;
        var claims = "";
        var section = "";
        var text = new List<string>();
        foreach (var line in File.ReadLines(Path.Combine(Folder, file)).SkipWhile(line => line != $"== {title}").Skip(1)
            .TakeWhile(line => !line.StartsWith("== ", StringComparison.Ordinal)).Append("-- end"))
        {
            if (!line.StartsWith("-- ", StringComparison.Ordinal))
            {
                text.Add(line);
                continue;
            }
            if (section.StartsWith("policy ", StringComparison.Ordinal)) policies.Add((section[7..], string.Join('\n', text)));
            else if (section == "claims") claims = string.Join('\n', text).Trim();
            else if (section == "requests") requests.AddRange(text.Where(request => request.Trim().Length > 0 && !request.StartsWith('#')));
            else if (section == "diagnostics") diagnostics = [.. text.Where(diagnostic => diagnostic.Trim().Length > 0)];
            section = line[3..];
            text.Clear();
        }
        return (policies, claims, requests, diagnostics);
    }
}
