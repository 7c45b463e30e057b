using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sandbox.Recording;

namespace Sandbox.Tokens;

/// <summary>An OIDC issuer on loopback that hands out identity tokens as GitHub Actions does, with the claims that it is told to put in.</summary>
public sealed class SandboxIssuer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly string requestToken;

    private SandboxIssuer(WebApplication app, string? issuer, string requestToken, RequestLog requests)
    {
        this.app = app;
        this.requestToken = requestToken;
        Requests = requests;
        Address = new Uri(app.Urls.First());
        Issuer = issuer ?? Address.Origin();
    }

    /// <summary>Where it really listens; <see cref="Issuer"/> may say otherwise.</summary>
    public Uri Address { get; }
    public string Issuer { get; }
    public Uri MetadataAddress => new(Address, "/.well-known/openid-configuration");

    /// <summary><c>ACTIONS_ID_TOKEN_REQUEST_URL</c>: the audience is appended as <c>&amp;audience=</c>.</summary>
    public Uri TokenRequestUrl => new(Address, "/actions/idtoken?api-version=2.0");

    /// <summary>What is published; the first one signs. A new list replaces the old.</summary>
    public IReadOnlyList<SigningKey> Keys { get => field ??= [SigningKey.Rsa()]; set; }

    /// <summary>Claims put over GitHub's in every token; a null takes a claim away.</summary>
    public JsonObject Claims { get; set; } = [];

    /// <summary>A request that this returns true for was answered by it and goes no further: an issuer may be slow, huge or lying.</summary>
    public Func<HttpContext, Task<bool>>? Intercept { get; set; }

    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>Who asked for keys and tokens.</summary>
    public RequestLog Requests { get; }

    public static async Task<SandboxIssuer> StartAsync(string? issuer = null, int port = 0, string requestToken = "sandbox_runner",
        CancellationToken cancellation = default)
    {
        var app = Loopback.Build((port, HttpProtocols.Http1));
        var requests = new RequestLog();
        SandboxIssuer? self = null;
        app.Use(requests.Record);
        app.Use(async (context, next) =>
        {
            if (self?.Intercept is { } intercept && await intercept(context)) return;
            await next(context);
        });
        app.UseRouting();
        app.MapGet("/.well-known/openid-configuration", () => Json(self!.Discovery()));
        app.MapGet("/.well-known/jwks", () => Json(self!.Jwks()));
        // an issuer with a path, as Dex has, publishes below it
        if (issuer is not null && new Uri(issuer).AbsolutePath.TrimEnd('/') is { Length: > 0 } path)
        {
            app.MapGet(path + "/.well-known/openid-configuration", () => Json(self!.Discovery()));
            app.MapGet(path + "/.well-known/jwks", () => Json(self!.Jwks()));
        }
        app.MapGet("/actions/idtoken", context => self!.Answer(context));
        app.MapPut("/_sandbox/claims", async context =>
        {
            if (await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted) is not JsonObject claims)
            {
                context.Response.StatusCode = 400;
                return;
            }
            self!.Claims = claims;
            context.Response.StatusCode = 204;
        });
        await app.StartAsync(cancellation);
        return self = new SandboxIssuer(app, issuer, requestToken, requests);
    }

    /// <summary>A token as the service hands it out, with <paramref name="claims"/> put over the rest.</summary>
    public string Token(string audience, JsonObject? claims = null, JsonObject? header = null)
    {
        var whole = GitHubClaims.Of(Issuer, audience, Time.GetUtcNow()).With(Claims).With(claims);
        return (header is null ? TokenMint.TrySign(Keys[0], whole) : null)
            ?? TokenForge.Sign(Keys[0], whole, new JsonObject { ["x5t"] = Keys[0].Kid }.With(header));
    }

    /// <summary>The discovery document, with the members GitHub's has.</summary>
    public JsonObject Discovery() => new()
    {
        ["issuer"] = Issuer,
        ["jwks_uri"] = $"{Issuer}/.well-known/jwks",
        ["subject_types_supported"] = new JsonArray("public", "pairwise"),
        ["response_types_supported"] = new JsonArray("id_token"),
        ["claims_supported"] = new JsonArray([.. GitHubClaims.Of(Issuer, "", default).Select(claim => (JsonNode)claim.Key)]),
        ["id_token_signing_alg_values_supported"] = new JsonArray([.. Keys.Select(key => (JsonNode)key.Algorithm).DistinctBy(name => name.ToString())]),
        ["scopes_supported"] = new JsonArray("openid"),
    };

    public JsonObject Jwks() => new() { ["keys"] = new JsonArray([.. Keys.Select(key => (JsonNode)key.Jwk())]) };

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task Answer(HttpContext context)
    {
        var bearer = context.Request.Headers.Authorization.ToString();
        if (!bearer.Equals($"Bearer {requestToken}", StringComparison.OrdinalIgnoreCase))
        {
            await Json(new JsonObject { ["message"] = "Can't issue an identity token for this job" }, 401).ExecuteAsync(context);
            return;
        }
        var query = context.Request.Query;
        var audience = query["audience"].ToString() is { Length: > 0 } asked ? asked : "https://github.com/org";
        JsonObject? claims = null;
        try
        {
            if (query["claims"].ToString() is { Length: > 0 } over) claims = JsonNode.Parse(over) as JsonObject;
        }
        catch (JsonException)
        {
            await Json(new JsonObject { ["message"] = "`claims` is not a JSON object" }, 400).ExecuteAsync(context);
            return;
        }
        var token = Token(audience, claims);
        await Json(new JsonObject { ["count"] = token.Length, ["value"] = token }).ExecuteAsync(context);
    }

    private static IResult Json(JsonNode node, int status = 200) => Results.Text(node.ToJsonString(), "application/json; charset=utf-8", statusCode: status);
}
