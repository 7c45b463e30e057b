using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Lints;

/// <summary>Warnings about methods of the AT Protocol, and that the examples of its page give none.</summary>
public class AtProtoLintTests
{
    private const string Did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    private static readonly CompileOptions options = new(new AuthContext("ATProto", Did), Compile.OwnIssuer);

    private const string Tied = """
        path "/xrpc/com.atproto.repo.createRecord" {
          capabilities       = ["create"]
          allowed_parameters = { "repo" = "{actx}", "collection" = "com.example.note", "rkey" = optional(glob("agent-*")),
                                 "record" = { "$type" = "com.example.note", "*" = [] } }
        }
        """;

    private const string Writes = """
        path "/xrpc/com.atproto.repo.applyWrites" {
          capabilities       = ["create"]
          allowed_parameters = { "repo" = "{actx}", "writes" = [
            { "$type" = "com.atproto.repo.applyWrites#create", "collection" = "com.example.note", "rkey" = optional(any()), "value" = { "$type" = "com.example.note", "*" = [] } },
            { "$type" = "com.atproto.repo.applyWrites#delete", "collection" = "com.example.note", "rkey" = any() } ] }
        }
        """;

    private const string Upload = """path "/xrpc/com.atproto.repo.uploadBlob" { capabilities = ["create"] }""";

    private static string[] Lines(string policy, CompileOptions? with = null) => Compile.Lines(PolicyCompiler.Compile(
        [Compile.File("policies/p.hcl", policy),
            Compile.File("roles/r.hcl", "role \"r\" {\n  aud = \"api://ATProto?actx={actx}\"\n  sub = \"actx:{actx}:role:r\"\n  policies = [\"p\"]\n}\n")],
            with ?? options));

    [Fact]
    public void Rules_for_each_method_that_tie_writing_to_a_collection_are_fine() => Assert.Empty(Lines($"{Tied}\n{Writes}\n{Upload}"));

    [Theory]
    [InlineData("putRecord")]
    [InlineData("deleteRecord")]
    [InlineData("applyWrites")]
    public void A_second_method_that_writes_to_every_collection_is_warned_about(string method)
        => Assert.Equal([$"policies/p.hcl:6:1 warning untied-write: `/xrpc/com.atproto.repo.{method}` permits `com.atproto.repo.{method}` on every collection, "
            + "while `/xrpc/com.atproto.repo.createRecord` (policies/p.hcl:1) ties writing to some"],
            Lines($"{Tied}\npath \"/xrpc/com.atproto.repo.{method}\" {{ capabilities = [\"create\"] }}"));

    [Theory]
    [InlineData("path \"/xrpc/com.atproto.repo.*\" { capabilities = [\"create\"] }", true)]
    [InlineData("path \"/*\" { capabilities = [\"create\"] }", true)]
    [InlineData("path \"/xrpc/com.atproto.repo.*\" { capabilities = [\"read\"] }", false)]
    [InlineData("path \"/xrpc/com.atproto.repo.putRecord\" {\n  capabilities = [\"create\"]\n  allowed_parameters = { \"repo\" = any(), \"collection\" = "
        + "any(), \"*\" = [] }\n}", true)]
    [InlineData("path \"/xrpc/com.atproto.repo.putRecord\" {\n  capabilities = [\"create\"]\n  when = request.body.collection == \"x\"\n}", false)]
    public void What_permits_it_may_be_any_pattern(string rule, bool warned) =>
        Assert.Equal(warned, Lines($"{Tied}\n{rule}").Any(line => line.Contains(" untied-write: ")));

    [Fact]
    public void Nothing_is_said_where_no_rule_ties_anything() =>
        Assert.Empty(Lines("path \"/xrpc/com.atproto.repo.createRecord\" { capabilities = [\"create\"] }\npath \"/xrpc/com.atproto.repo.putRecord\" { "
            + "capabilities = [\"create\"] }"));

    [Theory]
    [InlineData("/xrpc/com.atproto.server.getServiceAuth", "read", true)]
    [InlineData("/xrpc/com.atproto.server.*", "read", true)]
    [InlineData("/*", "read", true)]
    [InlineData("/xrpc/com.atproto.server.*", "create", false)]
    [InlineData("/xrpc/com.atproto.server.getSession", "read", false)]
    public void A_token_for_other_services_is_warned_about(string path, string capability, bool warned)
        => Assert.Equal(warned, Lines($"path \"{path}\" {{ capabilities = [\"{capability}\"] }}").Any(line => line.Contains(" service-auth: ")));

    [Fact]
    public void A_deny_settles_it() =>
        Assert.Empty(Lines("path \"/xrpc/*\" { capabilities = [\"read\"] }\npath \"/xrpc/com.atproto.server.getServiceAuth\" { capabilities = [\"deny\"] }"));

    [Fact]
    public void Other_contexts_hear_of_it_only_where_rules_speak_of_methods()
    {
        Assert.DoesNotContain(Lines("path \"/*\" { capabilities = [\"read\"] }", Compile.Options), line => line.Contains(" service-auth: "));
        Assert.Contains(Lines("path \"/xrpc/*\" { capabilities = [\"read\"] }", Compile.Options), line => line.Contains(" service-auth: "));
    }

    private const string Create =
        """{"$type":"com.atproto.repo.applyWrites#create","collection":"com.example.note","value":{"$type":"com.example.note","text":"x"}}""";
    private const string Delete = """{"$type":"com.atproto.repo.applyWrites#delete","collection":"com.example.note","rkey":"a"}""";

    public static TheoryData<string, string, bool> Requests => new()
    {
        { "createRecord", """{"repo":"REPO","collection":"com.example.note","record":{"$type":"com.example.note","text":"x"}}""", true },
        { "createRecord", """{"repo":"REPO","collection":"com.example.note","rkey":"agent-1","record":{"$type":"com.example.note"}}""", true },
        { "createRecord", """{"repo":"REPO","collection":"com.example.note","rkey":"self","record":{"$type":"com.example.note"}}""", false },
        { "createRecord", """{"repo":"did:plc:aaaaaaaaaaaaaaaaaaaaaaaa","collection":"com.example.note","record":{"$type":"com.example.note"}}""", false },
        { "createRecord", """{"repo":"alice.test","collection":"com.example.note","record":{"$type":"com.example.note"}}""", false },
        { "createRecord", """{"repo":"REPO","collection":"app.bsky.graph.follow","record":{"$type":"com.example.note"}}""", false },
        { "createRecord", """{"repo":"REPO","collection":"com.example.note","record":{"text":"x"}}""", false },
        { "CreateRecord", """{"repo":"REPO","collection":"com.example.note","record":{"$type":"com.example.note"}}""", false },
        { "createRecord/", """{"repo":"REPO","collection":"com.example.note","record":{"$type":"com.example.note"}}""", false },
        { "applyWrites", $$"""{"repo":"REPO","writes":[{{Create}},{{Delete}}]}""", true },
        { "applyWrites", $$"""{"repo":"REPO","writes":[{{Delete}}]}""", true },
        { "applyWrites", $$"""{"repo":"REPO","writes":[{{Create}},{{Create.Replace("#create", "#update")}}]}""", false },
        { "applyWrites", $$"""{"repo":"REPO","writes":[{{Create}},{{Delete.Replace("com.example.note", "app.bsky.graph.follow")}}]}""", false },
        { "applyWrites", """{"repo":"REPO","writes":[{"collection":"com.example.note","rkey":"a"}]}""", false },
        { "applyWrites", """{"repo":"REPO","writes":[]}""", false },
        { "applyWrites", $$"""{"repo":"REPO","writes":{{Create}}}""", false },
        { "applyWrites", $$"""{"repo":"REPO","validate":false,"writes":[{{Create}}]}""", false },
        { "putRecord", """{"repo":"REPO","collection":"com.example.note","rkey":"agent-1","record":{"$type":"com.example.note"}}""", false },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void The_examples_of_the_page_decide_each_write(string method, string body, bool allowed)
    {
        var set = Compile.Whole(PolicyCompiler.Compile(
            [Compile.File("policies/p.hcl", $"{Tied}\n{Writes}\n{Upload}"),
                Compile.File("roles/r.hcl", "role \"r\" {\n  aud = \"api://ATProto?actx={actx}\"\n  sub = \"actx:{actx}:role:r\"\n  policies = [\"p\"]\n}\n")],
                options));
        var claims = Compile
            .Claims($$"""{"iss":"{{Compile.OwnIssuer}}","aud":"api://ATProto?actx={{Did}}","sub":"actx:{{Did}}:role:r","actx_source":"api://ATProto?actx={{Did}}"}""");

        var decision = Some.Decide(set.MatchRoles(claims), "POST", $"/xrpc/com.atproto.repo.{method}", body.Replace("REPO", Did));

        Assert.True(allowed == (decision.Outcome == DecisionOutcome.Allow), decision.Reason);
    }
}
