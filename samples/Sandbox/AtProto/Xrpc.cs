using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Features;
using Sandbox.Cloud;

namespace Sandbox.AtProto;

/// <summary>Whose request it is and what it may do; <paramref name="Scopes"/> is null for an app password, which may do nearly everything.</summary>
internal sealed record XrpcCaller(AtProtoAccount Account, IReadOnlyList<string>? Scopes);

/// <summary>
/// <c>/xrpc/METHOD</c>. As on real servers, the letter case of the path and a slash at its end don't matter, which is what a proxy that decides by paths has to
/// know.
/// </summary>
internal sealed class Xrpc(PersonalDataServer server)
{
    private readonly Dictionary<string, (string Method, Func<HttpContext, Task<IResult?>> Run)> methods = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>With its length, as real servers send it.</summary>
    public static IResult Error(int status, string error, string message) =>
        Results.Text(JsonSerializer.Serialize(new { error, message }), "application/json", Encoding.UTF8, status);

    public void Query(string name, Func<HttpContext, Task<IResult?>> run) => methods[name] = ("GET", run);

    public void Procedure(string name, Func<HttpContext, Task<IResult?>> run) => methods[name] = ("POST", run);

    /// <summary>A method for whoever has a session here.</summary>
    public static Func<HttpContext, Task<IResult?>> Private(PersonalDataServer server, Func<HttpContext, XrpcCaller, Task<IResult?>> run) => async context =>
    {
        var (caller, refused) = server.Authenticate(context);
        return caller is null ? refused : await run(context, caller);
    };

    public async Task Run(HttpContext context, RequestDelegate next)
    {
        var path = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?')[0];
        if (!path.StartsWith("/xrpc/", StringComparison.OrdinalIgnoreCase))
        {
            await next(context);
            return;
        }
        var name = path["/xrpc/".Length..];
        if (name.EndsWith('/')) name = name[..^1];
        if (!methods.TryGetValue(name, out var method)) await Error(501, "MethodNotImplemented", "Method Not Implemented").ExecuteAsync(context);
        else if (context.Request.Method != method.Method)
            await Error(405, "InvalidRequest", $"Incorrect HTTP method ({context.Request.Method}) expected {method.Method}").ExecuteAsync(context);
        else if (await method.Run(context) is { } result) await result.ExecuteAsync(context);
    }

    public static Task<JsonObject?> Body(HttpContext context) => Wire.ReadObject(context.Request);

    public static Task<IResult?> Answer(object value) => Task.FromResult<IResult?>(Results.Json(value));

    public void MapAll()
    {
        RepositoryMethods.Map(this, server);
        SessionMethods.Map(this, server);
        Query("com.atproto.sync.subscribeRepos", server.Firehose.Serve);
        Query("com.atproto.server.describeServer", _ => Answer(new { did = server.Did, availableUserDomains = new[] { ".test" }, inviteCodeRequired = false }));
        Query("com.atproto.identity.resolveHandle",
            context => Task.FromResult<IResult?>(server.Network.Accounts.FirstOrDefault(account => string.Equals(account.Handle,
                context.Request.Query["handle"], StringComparison.OrdinalIgnoreCase)) is { } found
            ? Results.Json(new { did = found.Did })
            : Error(400, "InvalidRequest", "Unable to resolve handle")));
        Query("_health", _ => Answer(new { version = "sandbox" }));
    }
}
