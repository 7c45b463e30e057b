using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Extensions;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>What doctl and VMs ask of a server that is a process of its own.</summary>
internal sealed class ServedProvisioning(ProvisioningTest test, Uri address) : IDisposable
{
    private readonly HttpClient http = new() { BaseAddress = address };

    public static ServedProcess Start(ProvisioningTest test, string configuration) => ServedProcess.Start(configuration,
        ("Upstreams__DigitalOcean__PassThrough", "true"), ("Provisioning__SshPort", $"{test.Sshd.Port}"), ("Provisioning__AllowPrivateAddresses", "true"));

    /// <summary>Creates a droplet; its provisioning token.</summary>
    public async Task<string> CreateAsync()
    {
        using var answer = await PostAsync("/v2/droplets", test.Proxy.Sandbox.Options.UserToken, ProvisioningTest.Body().ToJsonString());
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return ProvisioningTest.TokenIn(test.LastUserData());
    }

    public Task<HttpResponseMessage> ProveAsync(string token, string signature) =>
        PostAsync("/v1/oidc/prove", token, JsonSerializer.Serialize(new { sig = signature }));

    /// <summary>
    /// A proof that gets no further than its question to the cloud about the droplet until <paramref name="meanwhile"/> is done: nothing of it is stored
    /// before.
    /// </summary>
    public async Task<Task<HttpResponseMessage>> ProveHeldAsync(string token, string signature, string droplet, Func<Task> meanwhile)
    {
        var held = new TaskCompletionSource();
        test.Proxy.Sandbox.Intercept = async http =>
        {
            if (http.Request.Method == "GET" && http.Request.GetEncodedPathAndQuery().EndsWith($"/{droplet}", StringComparison.Ordinal)) await held.Task;
            return false;
        };
        var proof = ProveAsync(token, signature);
        await test.Proxy.Sandbox.Requests.First(request => request.Method == "GET" && request.Target.EndsWith($"/{droplet}", StringComparison.Ordinal));
        await meanwhile();
        held.SetResult();
        test.Proxy.Sandbox.Intercept = null;
        return proof;
    }

    public Task<HttpResponseMessage> RefreshAsync(string refreshToken) => PostAsync("/v1/oidc/refresh", refreshToken, "");

    public async Task<HttpResponseMessage> PostAsync(string path, string token, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await http.SendAsync(request);
    }

    /// <summary>A string of an answer's JSON.</summary>
    public static async Task<string> TextAsync(HttpResponseMessage answer, string name) =>
        JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty(name).GetString()!;

    /// <summary>For a request that a kill may interrupt.</summary>
    public static async Task IgnoreAsync(Task<HttpResponseMessage> sent)
    {
        try
        {
            (await sent).Dispose();
        }
        catch (HttpRequestException)
        {
            // the kill was first
        }
    }

    public void Dispose() => http.Dispose();
}
