using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Shared;

namespace Sandbox.TryOut;

/// <summary>
/// The real proxy in front of the sandbox with somebody's own policy directory. The sandbox's token service signs as the issuer that the roles name, so that
/// they need no change; edits of the directory count at once, and what the proxy says of them is printed, as is each decision.
/// </summary>
internal sealed partial class PolicyTryOut : IAsyncDisposable
{
    public const string GitHubIssuer = "https://token.actions.githubusercontent.com";

    private readonly DirectoryInfo folder;
    private readonly ChildProgram proxy;

    private PolicyTryOut(DirectoryInfo folder, ChildProgram proxy)
    {
        this.folder = folder;
        this.proxy = proxy;
    }

    public static async Task<PolicyTryOut> StartAsync(SandboxServer sandbox, TryOutOptions options, TextWriter screen, CancellationToken cancellation)
    {
        var directory = Path.GetFullPath(options.Policy!);
        if (!Directory.Exists(directory))
            throw new CannotStartException($"`{options.Policy}` is not a directory; give the one that holds `roles/` and `policies/`");
        var context = options.Context ?? $"api://DigitalOcean?actx={sandbox.Options.TeamUuid}";
        if (ContextForm().Match(context) is not { Success: true } named)
            throw new CannotStartException($"`{context}` is not an auth context, expected `api://<Upstream>?actx=<id>`");
        if (options.Claims is { } claims) sandbox.Issuer.Claims = Claims(claims);

        var url = $"http://127.0.0.1:{(options.ProxyPort > 0 ? options.ProxyPort : ProxyProgram.FreePort())}";
        var folder = Directory.CreateTempSubdirectory("workload-proxy-try-out-");
        ChildProgram? proxy = null;
        try
        {
            var configuration = Path.Combine(folder.FullName, "workload-proxy.json");
            File.WriteAllText(configuration, new JsonObject
            {
                ["PublicUrl"] = url,
                ["Urls"] = url,
                ["DataDirectory"] = "data",
                ["Upstreams"] = new JsonObject
                    { [named.Groups["upstream"].Value] = new JsonObject { ["Kind"] = "http", ["Address"] = sandbox.Address.Origin() } },
                ["Issuers"] = new JsonArray(new JsonObject
                    { ["Issuer"] = sandbox.Issuer.Issuer, ["MetadataAddress"] = sandbox.Issuer.MetadataAddress.ToString() }),
                ["Policies"] = new JsonArray(new JsonObject { ["Context"] = context, ["Directory"] = directory }),
                ["Credentials"] = new JsonArray(new JsonObject { ["Context"] = context, ["Kind"] = "Bearer", ["EnvironmentVariable"] = "SANDBOX_CREDENTIAL" }),
            }.ToJsonString());
            proxy = ProxyProgram.Start(configuration, new Dictionary<string, string> { ["SANDBOX_CREDENTIAL"] = sandbox.Options.TeamToken });
            await ProxyProgram.Ready(proxy, url, cancellation);
            screen.WriteLine(Describe(sandbox, url, directory, context));
            proxy.ErrorLine += line => Print(screen, ProxyProgram.PolicyNews(line));
            proxy.OutputLine += line => Print(screen, Decision(line));
            return new PolicyTryOut(folder, proxy);
        }
        catch
        {
            if (proxy is not null) await proxy.DisposeAsync();
            folder.Delete(recursive: true);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        folder.Delete(recursive: true);
    }

    private static string Describe(SandboxServer sandbox, string url, string directory, string context) => $$"""
        the proxy   {{url}}, with the policy in {{directory}}: each edit counts at once
        the cloud   {{sandbox.Address.Origin()}}: curl -s {{sandbox.Address.Origin()}}/_sandbox/requests | jq    shows what reached it
        the issuer  {{sandbox.Issuer.Issuer}}, as the roles name it

        A token with any claims (put over those of a GitHub job; null takes one away):

          TOKEN=$(curl -sS --fail-with-body -G -H 'Authorization: bearer {{sandbox.Options.TokenRequestToken}}' \
            --data-urlencode 'audience={{context}}' --data-urlencode 'claims={"sub":"repo:org/repo:ref:refs/heads/main"}' \
            '{{sandbox.Issuer.TokenRequestUrl}}' | jq -r .value)

        An exchange, and a request:

          SCOPED=$(curl -sS --fail-with-body -H "Authorization: Bearer $TOKEN" -d '{"aud":"{{context}}","sub":"actx:{{context[(context.IndexOf('=') + 1)..]}}:role:NAME","ttl":300}' '{{url}}/v1/oidc/issue' | jq -r .token)
          curl -sS --fail-with-body -H "Authorization: Bearer $SCOPED" '{{url}}/v2/databases' | jq

        Decisions and policy changes appear below, until Ctrl+C.

        """;

    private static JsonObject Claims(string given)
    {
        try
        {
            return JsonNode.Parse(File.Exists(given) ? File.ReadAllText(given) : given) as JsonObject
                ?? throw new CannotStartException("`--claims` is not a JSON object");
        }
        catch (JsonException e)
        {
            throw new CannotStartException($"`--claims` is neither a file nor a JSON object: {e.Message}");
        }
    }

    /// <summary>An audit line in short: what was decided on what, and by which rule.</summary>
    private static string? Decision(string line)
    {
        try
        {
            if (JsonNode.Parse(line) is not JsonObject audit || audit["path"]?.ToString() is not { } path
                || path.StartsWith("/health/", StringComparison.Ordinal))
                return null;
            var why = audit["reason"]?.ToString() ?? (audit["rule"] is { } rule ? $"{rule["file"]}:{rule["line"]}" : null);
            // the caller isn't told which claims failed; whoever writes the policy is
            var nearest = audit["nearest"] is { } role ? $" (nearest role `{role["role"]}`, failed: {string.Join(", ", role["failed"]!.AsArray())})" : "";
            return $"{audit["decision"],-6} {audit["status"]} {audit["method"]} {path}{(why is null ? "" : $"  {why}")}{nearest}";
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void Print(TextWriter screen, string? text)
    {
        if (text is not null) screen.WriteLine(text);
    }

    [GeneratedRegex("^api://(?<upstream>[A-Za-z][A-Za-z0-9_-]*)\\?actx=.+$")]
    private static partial Regex ContextForm();
}
