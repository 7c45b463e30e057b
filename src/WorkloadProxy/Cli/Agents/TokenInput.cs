using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using WorkloadProxy.Mcp;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Agents;

/// <summary>The options that say which token is wanted, or their environment variables.</summary>
internal sealed class TokenInput(string root = "/")
{
    private readonly Option<string> proxy = new("--proxy") { HelpName = "URL", Description = "The proxy, for an exchange; $WORKLOAD_PROXY_URL unless given." };
    private readonly Option<string> context = new("--context")
        { HelpName = "C", Description = "The context that the token is for; $WORKLOAD_PROXY_CONTEXT unless given." };
    private readonly Option<string> audience = new("--audience")
        { HelpName = "A", Description = "What the identity token is asked for; the context unless given." };
    private readonly Option<string> role = new("--role") { HelpName = "R", Description = "Exchange the identity token for one of this role." };
    private readonly Option<string> lifetime = new("--ttl") { HelpName = "N", Description = "Seconds that the exchanged token lives." };
    private readonly Option<string> source = new("--source")
        { HelpName = "S", Description = $"Where the identity token comes from: {IdentitySource.Help}; what this machine has unless given." };
    private readonly Argument<string[]> command = new("COMMAND")
        { Description = "After `--`: a command that prints the identity token.", Arity = ArgumentArity.ZeroOrMore };

    public void AddTo(Command to)
    {
        foreach (var option in (Option[])[proxy, context, audience, role, lifetime, source]) to.Add(option);
        to.Add(command);
    }

    /// <summary>What was asked for; <paramref name="endpoint"/> is a URL of the proxy's that says where it is.</summary>
    public bool TryRead(ParseResult parsed, Uri? endpoint, [NotNullWhen(true)] out TokenRequest? request, [NotNullWhen(false)] out string? error)
    {
        request = null;
        var run = parsed.GetValue(command) ?? [];
        var from = run.Length > 0 ? "command" : Value(parsed, source, "SOURCE") ?? IdentitySource.Find(root);
        var (url, of, seconds) = (Value(parsed, proxy, "URL"), Value(parsed, context, "CONTEXT"), Value(parsed, lifetime, "TTL"));
        if (from == "vm") (url, of) = (url ?? Machine("base_url"), of ?? (Machine("team_uuid") is { } team ? $"api://DigitalOcean?actx={team}" : null));
        error = null;
        var ttl = 0;
        var at = endpoint;
        if (run.Length > 0 && parsed.GetValue(source) is not null) error = "expected `--source` or a command, not both";
        else if (from is null) error = $"this machine has no identity that is known here: expected `--source` ({IdentitySource.Help}), or `-- COMMAND`";
        else if (!IdentitySource.IsKnown(from)) error = $"unknown source `{from}`, expected {IdentitySource.Help}";
        else if (of is not null && !AuthContext.TryParse(of, out _)) error = $"`{of}` is not a context, expected `api://<Upstream>?actx=<id>`";
        else if (url is not null && !Uri.TryCreate(url, UriKind.Absolute, out at)) error = $"`{url}` is not an address, expected `https://host`";
        else if (at is not null && !MayCarryTokens(at)) error = $"`{at}` is plain http, over which a token can be read: expected https";
        else if (seconds is not null && (!int.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out ttl) || ttl < 1))
            error = $"`{seconds}` is not a number of seconds";
        else if (Value(parsed, role, "ROLE") is not null && (at is null || of is null)) error = "expected `--proxy` and `--context` with `--role`";
        if (error is not null) return false;
        request = new TokenRequest
        {
            Proxy = url is null && endpoint is not null ? ProxyOf(endpoint) : at,
            Context = of,
            Audience = Value(parsed, audience, "AUDIENCE") ?? of,
            Role = Value(parsed, role, "ROLE"),
            Lifetime = seconds is null ? null : ttl,
            Source = from!,
            Root = root,
            Command = run,
        };
        return true;
    }

    public static bool MayCarryTokens(Uri uri) => uri.Scheme == "https" || (uri.Scheme == "http" && NetworkPlace.IsLoopbackOrInCluster(uri));

    /// <summary>What stands before an endpoint's own path: a <c>PublicUrl</c> may have one too.</summary>
    private static Uri ProxyOf(Uri endpoint) =>
        new(endpoint.GetLeftPart(UriPartial.Path).Split(McpEndpoint.Prefix) is [var proxy, _, ..] ? proxy : endpoint.GetLeftPart(UriPartial.Authority));

    private static string? Value(ParseResult parsed, Option<string> option, string name) =>
        parsed.GetValue(option) is { Length: > 0 } given ? given : Environment.GetEnvironmentVariable($"WORKLOAD_PROXY_{name}") is { Length: > 0 } value
        ? value : null;

    private string? Machine(string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(root, IdentitySource.Machine, file)).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
