using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace WorkloadProxy.Tests.Interop;

/// <summary>What Dex offers to a public client: an authorization code with PKCE, for somebody who has signed in already, and the token for it.</summary>
internal sealed class DexServer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly string client;
    private readonly Func<string> token;
    private readonly ConcurrentDictionary<string, (string Challenge, string Redirect)> codes = new(StringComparer.Ordinal);

    private DexServer(WebApplication app, string client, Func<string> token) => (this.app, this.client, this.token) = (app, client, token);

    public string Authorization => app.Urls.First() + "/dex/auth";
    public string Token => app.Urls.First() + "/dex/token";

    public static async Task<DexServer> StartAsync(string client, Func<string> token)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var self = new DexServer(builder.Build(), client, token);
        self.app.MapGet("/dex/auth", self.Authorize);
        self.app.MapPost("/dex/token", self.ExchangeAsync);
        await self.app.StartAsync();
        return self;
    }

    private IResult Authorize(HttpRequest request)
    {
        string Of(string name) => request.Query[name].ToString();
        if (Of("client_id") != client || Of("response_type") != "code" || Of("code_challenge_method") != "S256" || Of("code_challenge").Length != 43)
            return Results.BadRequest();
        var code = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        codes[code] = (Of("code_challenge"), Of("redirect_uri"));
        return Results.Redirect($"{Of("redirect_uri")}?code={code}&state={Uri.EscapeDataString(Of("state"))}");
    }

    private async Task<IResult> ExchangeAsync(HttpRequest request)
    {
        var form = await request.ReadFormAsync();
        // a code serves once
        if (form["grant_type"] != "authorization_code" || form["client_id"] != client || !codes.TryRemove(form["code"].ToString(), out var code))
            return Results.BadRequest(new { error = "invalid_grant" });
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString())));
        if (challenge != code.Challenge || form["redirect_uri"] != code.Redirect) return Results.BadRequest(new { error = "invalid_grant" });
        return Results.Json(new JsonObject { ["access_token"] = token(), ["token_type"] = "bearer", ["expires_in"] = 300 });
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
