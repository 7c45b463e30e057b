using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Sandbox.Tokens;

namespace Sandbox.Clusters;

/// <summary>
/// What stands in for a Kubernetes API server: TLS by an authority of its own, service accounts with tokens, keys for who presents one, and the rights of each
/// account: its own namespace, and for the account <c>proxy</c> all of them.
/// </summary>
public sealed class Cluster : IAsyncDisposable
{
    public const string Issuer = "https://kubernetes.default.svc.cluster.local";
    private const string Prefix = "system:serviceaccount:";

    private readonly ClusterAuthority authority = new();
    private readonly SigningKey key = SigningKey.Rsa();
    private readonly string adminToken = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
    private WebApplication? app;

    public static async Task<Cluster> StartAsync(CancellationToken cancellation)
    {
        var cluster = new Cluster();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration()
            .ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(cluster.authority.Issue())));
        var app = cluster.app = builder.Build();
        app.UseRouting();
        app.MapPost("/api/v1/namespaces/{space}/serviceaccounts/{name}/token", cluster.RequestToken);
        app.MapGet("/.well-known/openid-configuration",
            context => cluster.Publish(context, new JsonObject { ["issuer"] = Issuer, ["jwks_uri"] = cluster.Address + "/openid/v1/jwks" }));
        app.MapGet("/openid/v1/jwks", context => cluster.Publish(context, new JsonObject { ["keys"] = new JsonArray(cluster.key.Jwk()) }));
        // what kubectl looks up before it asks
        app.MapGet("/api", context => cluster.Discover(context, new JsonObject { ["kind"] = "APIVersions", ["versions"] = new JsonArray("v1") }));
        app.MapGet("/apis", context => cluster.Discover(context,
            new JsonObject { ["kind"] = "APIGroupList", ["apiVersion"] = "v1", ["groups"] = new JsonArray() }));
        app.MapGet("/api/v1",
            context => cluster.Discover(context,
                new JsonObject { ["kind"] = "APIResourceList", ["groupVersion"] = "v1", ["resources"] = new JsonArray(Resource("pods", "Pod"),
                    Resource("configmaps", "ConfigMap")) }));
        app.MapGet("/api/v1/namespaces/{space}/{resource}", cluster.List);
        app.MapFallback(context => Status(context, 404, "NotFound", "the server could not find the requested resource"));
        await app.StartAsync(cancellation);
        return cluster;
    }

    private string Address => new Uri(app!.Urls.First()).Origin();

    /// <summary>What a script needs: the address, <c>ca.crt</c> as text, and a token that may ask for service accounts' tokens.</summary>
    public IReadOnlyDictionary<string, string> Describe() =>
        new Dictionary<string, string>
        { ["cluster"] = Address, ["cluster_ca"] = authority.Pem, ["cluster_issuer"] = Issuer, ["cluster_admin_token"] = adminToken };

    public async ValueTask DisposeAsync()
    {
        if (app is not null) await app.DisposeAsync();
        authority.Dispose();
        key.Dispose();
    }

    /// <summary>The TokenRequest API, as <c>kubectl create token</c> calls it.</summary>
    private async Task RequestToken(HttpContext context)
    {
        if (Bearer(context) != adminToken)
        {
            await Status(context, 401, "Unauthorized", "Unauthorized");
            return;
        }
        var asked = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        var audiences = asked?["spec"]?["audiences"] as JsonArray is { Count: > 0 } some ? (JsonArray)some.DeepClone() : new JsonArray(Issuer);
        var (space, name) = ((string)context.Request.RouteValues["space"]!, (string)context.Request.RouteValues["name"]!);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var token = TokenForge.Sign(key, new JsonObject
        {
            ["aud"] = audiences, ["exp"] = now + 600, ["iat"] = now, ["nbf"] = now, ["iss"] = Issuer, ["sub"] = $"{Prefix}{space}:{name}",
            ["kubernetes.io"] = new JsonObject
                { ["namespace"] = space, ["serviceaccount"] = new JsonObject { ["name"] = name, ["uid"] = "0b0f2f5c-7f4e-4a0c-9d7e-000000000001" } },
        }, new JsonObject { ["typ"] = null });
        await Json(context, 201, new JsonObject { ["kind"] = "TokenRequest", ["status"] = new JsonObject { ["token"] = token } });
    }

    /// <summary>To any service account, and to who names the type of keys that it wants.</summary>
    private Task Publish(HttpContext context, JsonObject document)
    {
        if (AccountOf(context) is null) return Status(context, 401, "Unauthorized", "Unauthorized");
        var wantsKeys = context.Request.Headers.Accept.ToString().Contains("application/jwk-set+json", StringComparison.Ordinal);
        return document.ContainsKey("keys") && !wantsKeys ? Status(context, 406, "NotAcceptable", "only application/jwk-set+json is served here")
            : Json(context, 200, document);
    }

    private Task Discover(HttpContext context, JsonObject document) =>
        AccountOf(context) is null ? Status(context, 401, "Unauthorized", "Unauthorized") : Json(context, 200, document);

    private static JsonObject Resource(string name, string kind) =>
        new() { ["name"] = name, ["singularName"] = kind.ToLowerInvariant(), ["namespaced"] = true, ["kind"] = kind,
            ["verbs"] = new JsonArray("get", "list", "delete") };

    private Task List(HttpContext context)
    {
        if (AccountOf(context) is not { } account) return Status(context, 401, "Unauthorized", "Unauthorized");
        var (space, resource) = ((string)context.Request.RouteValues["space"]!, (string)context.Request.RouteValues["resource"]!);
        if (!account.StartsWith($"{Prefix}{space}:", StringComparison.Ordinal) && !account.EndsWith(":proxy", StringComparison.Ordinal))
            return Status(context, 403, "Forbidden",
                $"{resource} is forbidden: User \"{account}\" cannot list resource \"{resource}\" in the namespace \"{space}\"");
        var kind = resource == "pods" ? "Pod" : "ConfigMap";
        JsonObject Named(string name) => new()
            { ["kind"] = kind, ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = space, ["resourceVersion"] = "1" } };
        if (context.Request.Query["watch"] == "true") return WatchAsync(context, Named($"later-{resource}"));
        var (list, items) = (new JsonObject { ["resourceVersion"] = "1" }, new JsonArray(Named($"{resource}-of-{space}")));
        return Json(context, 200,
            new JsonObject { ["kind"] = $"{kind}List", ["apiVersion"] = "v1", ["user"] = account, ["metadata"] = list, ["items"] = items });
    }

    /// <summary>One event, and nothing more until the caller goes away.</summary>
    private static async Task WatchAsync(HttpContext context, JsonObject added)
    {
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(new JsonObject { ["type"] = "ADDED", ["object"] = added }.ToJsonString() + "\n", context.RequestAborted);
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The account whose token came, verified; null for any other. A signature with PKCS #1 padding is the same each time.</summary>
    private string? AccountOf(HttpContext context)
    {
        if (Bearer(context).Split('.') is not [var header, var claims, var signature]) return null;
        if (Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes($"{header}.{claims}"))) != signature) return null;
        var read = JsonNode.Parse(Base64Url.DecodeFromChars(claims))!;
        var isForServer = read["aud"]!.AsArray().Any(audience => audience!.ToString() == Issuer);
        return isForServer && (long)read["exp"]! > TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() ? read["sub"]!.ToString() : null;
    }

    private static string Bearer(HttpContext context) =>
        context.Request.Headers.Authorization.ToString() is var value && value.StartsWith("Bearer ", StringComparison.Ordinal) ? value[7..] : "";

    private static Task Status(HttpContext context, int code, string reason, string message) =>
        Json(context, code, new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["status"] = "Failure", ["message"] = message, ["reason"] = reason,
            ["code"] = code });

    private static Task Json(HttpContext context, int status, JsonObject body) =>
        Results.Text(body.ToJsonString(), "application/json", statusCode: status).ExecuteAsync(context);
}
