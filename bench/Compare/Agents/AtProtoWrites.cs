using System.Text.Json;
using System.Text.Json.Nodes;
using Sandbox.AtProto;

namespace Compare.Agents;

/// <summary>
/// The same write by an AT Protocol session, which costs a proof of possession a request, and with a credential that stays as it is. The account's owner signs
/// in at the stand-in network; then nginx answers in place of its server, for the stand-in would take longer over a write than the proxy.
/// </summary>
internal static class AtProtoWrites
{
    private const string Target = "/xrpc/com.atproto.repo.createRecord";

    public static async Task<IReadOnlyList<Result>> RunAsync(Field field, WorkFolder folder, Tokens tokens, int rounds, int seconds)
    {
        await using var network = await AtProtoNetwork.StartAsync(new() { Servers = 1, Accounts = 1 });
        var account = network.Accounts[0];
        var context = $"api://ATProto?actx={account.Did}";
        PolicyFiles.Writer(folder, "atproto");
        await using var session = await field.ProductAsync("product-session", change: settings => Set(settings, context, new JsonObject
        {
            ["Kind"] = "atproto",
            ["PlcDirectory"] = network.PlcDirectory,
            ["Servers"] = new JsonArray(account.Server.Url),
            ["OAuth"] = new JsonObject { ["Accounts"] = new JsonArray(account.Did), ["Scopes"] = new JsonArray("atproto", "repo:*") },
        }));
        await using var bearer = await field.ProductAsync("product-bearer", change: settings =>
        {
            Set(settings, context, new JsonObject { ["Kind"] = "http", ["Address"] = account.Server.Url });
            settings["Credentials"]!.AsArray()
                .Add(new JsonObject { ["Context"] = context, ["Kind"] = "Bearer", ["EnvironmentVariable"] = "DIGITALOCEAN_TOKEN" });
        });
        var body = JsonSerializer.Serialize(new
            { repo = account.Did, collection = "app.bsky.feed.post", record = new { text = new string('x', 880), createdAt = "2026-01-01T00:00:00Z" } });
        var workload = new Workload("atproto", "", ["product-bearer", "product-session", "openssl-ecdsap256"], "POST", Target, 200, Body: body,
            Audience: context);

        await SignInAsync(session, account);
        await Runner.CheckAsync(workload, session, tokens);
        await account.Server.StopAsync();
        await using var origin = await field.NginxAsync("nginx-atproto", new Uri(account.Server.Url).Port);
        return await Runner.RunAsync(workload, name => name == "product-session" ? session : bearer, tokens, field.ForgetAudit, rounds, seconds);
    }

    private static void Set(JsonObject settings, string context, JsonObject upstream)
    {
        settings["Upstreams"]!["ATProto"] = upstream;
        settings["Policies"]!.AsArray().Add(new JsonObject { ["Context"] = context, ["Directory"] = "atproto" });
    }

    /// <summary>What the account's owner does in a browser: the proxy's login, the server's page, and back.</summary>
    private static async Task SignInAsync(Subject product, AtProtoAccount account)
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = product.Address };
        using var page = await http.GetAsync($"/auth/atproto/v1/login?did={Uri.EscapeDataString(account.Did)}");
        using var consent = await http.PostAsync(page.Headers.Location,
            new FormUrlEncodedContent([new("identifier", account.Handle), new("password", account.Password), new("consent", "yes")]));
        using var callback = new HttpRequestMessage(HttpMethod.Get, consent.Headers.Location);
        // it is for https alone, which loopback does without
        callback.Headers.Add("Cookie", page.Headers.GetValues("Set-Cookie").First().Split(';')[0]);
        using var back = await http.SendAsync(callback);
        if ((int)back.StatusCode >= 400)
            throw new InvalidOperationException($"the account's owner could not sign in: {await back.Content.ReadAsStringAsync()}");
    }
}
