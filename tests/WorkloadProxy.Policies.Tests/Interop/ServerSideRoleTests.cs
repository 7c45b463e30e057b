using WorkloadProxy.Policies.Tests.Compiling;

namespace WorkloadProxy.Policies.Tests.Interop;

/// <summary>What the server's configuration says of issuers and audiences decides which roles and rules compile.</summary>
public sealed class ServerSideRoleTests
{
    private const string Dex = "https://dex.example.com/dex";

    private static readonly CompileOptions Options = Compile.Options with
    {
        AnyAudienceIssuers = [Dex],
        ClientAudienceIssuers = [Dex, "https://token.actions.githubusercontent.com"],
        PassThroughIssuers = ["https://kubernetes.default.svc"],
        ExternalAudiences = ["sts.amazonaws.com"],
    };

    [Theory]
    [InlineData(Dex, "\"opendepot\"", "", null)]
    [InlineData(Dex, "[\"opendepot\", \"ci\"]", "", null)]
    [InlineData(Dex, "\"opendepot-*\"", "", "unconstrained-role")]
    [InlineData(Dex, "[\"opendepot\", \"ci-*\"]", "", "unconstrained-role")]
    [InlineData(Dex, "\"opendepot-*\"", "groups = \"a\"", null)]
    [InlineData(Dex, "\"*\"", "groups = \"a\"", "any-audience")]
    [InlineData(Dex, "[\"opendepot\", \"*\"]", "groups = \"a\"", "any-audience")]
    [InlineData(Dex, "\"**\"", "groups = \"a\"", "any-audience")]
    [InlineData("https://other.example.com", "\"*\"", "groups = \"a\"", null)]
    [InlineData("https://other.example.com", "\"opendepot\"", "", "unconstrained-role")]
    [InlineData("https://token.actions.githubusercontent.com", "\"acme\"", "", "unpinned-tenant")]
    [InlineData("https://kubernetes.default.svc", "\"registry\"", "sub = \"system:serviceaccount:ci:x\"", "pass-through-issuer")]
    public void A_role_is_judged_by_what_the_server_says_of_its_issuer(string issuer, string audience, string more, string? error)
    {
        var codes = Codes(("roles/r.hcl", $"role \"r\" {{\n  iss = \"{issuer}\"\n  aud = {audience}\n  policies = []\n  {more}\n}}\n"), "error");
        Assert.Equal(error is null ? [] : [error], codes);
    }

    [Theory]
    [InlineData("\"sts.amazonaws.com\"", null)]
    [InlineData("[\"sts.amazonaws.com\", \"api://DigitalOcean?actx={actx}\"]", null)]
    [InlineData("\"sts.amazonaws.*\"", "unconstrained-issue")]
    [InlineData("\"other.example.com\"", "unconstrained-issue")]
    [InlineData("regex(\"sts.amazonaws.com\")", "unconstrained-issue")]
    public void A_rule_may_name_an_external_audience_in_full(string audience, string? error) =>
        Assert.Equal(error is null ? [] : [error], Codes(Issue(audience, "role:aws"), "error"));

    [Theory]
    [InlineData("\"sts.amazonaws.com\"", 127, null)]
    [InlineData("\"sts.amazonaws.com\"", 128, "long-subject")]
    [InlineData("\"api://DigitalOcean?actx={actx}\"", 128, null)]
    public void A_long_subject_for_another_service_is_warned_about(string audience, int bytes, string? warning)
    {
        var name = new string('x', bytes - $"actx:{Compile.Team}:".Length);
        Assert.Equal(warning is null ? [] : [warning], Codes(Issue(audience, name), "warning").Where(code => code == "long-subject"));
    }

    private static (string, string) Issue(string audience, string name) => ("policies/p.hcl",
        $"path \"/v1/oidc/issue\" {{\n  capabilities = [\"create\"]\n  allowed_parameters = {{ \"aud\" = {audience}, \"sub\" = \"actx:{{actx}}:{name}\", "
            + $"\"ttl\" = [] }}\n}}\n");

    private static string[] Codes((string Path, string Text) file, string severity) =>
        [.. Compile.Lines(PolicyCompiler.Compile([Compile.File(file.Path, file.Text)], Options))
            .Where(line => line.Contains($" {severity} ", StringComparison.Ordinal)).Select(line => line.Split($" {severity} ")[1].Split(':')[0])];
}
