using System.Net;
using System.Net.Http.Headers;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Interop;

/// <summary>Failures as the clients of Connect and gRPC read them.</summary>
public sealed class RpcErrorTests(SharedProxy shared) : IClassFixture<SharedProxy>
{
    private readonly TestProxy proxy = shared.Proxy;

    [Theory]
    [InlineData(null, "/v2/account", HttpStatusCode.Unauthorized, "unauthenticated")]
    [InlineData("TOKEN", "/v1/oidc/unknown", HttpStatusCode.Forbidden, "permission_denied")]
    [InlineData("TOKEN", "/v2//account", HttpStatusCode.BadRequest, "invalid_argument")]
    public async Task A_request_of_Connect_is_told_the_code_beside_the_id(string? token, string target, HttpStatusCode status, string code)
    {
        var answer = await proxy.SendAsync(HttpMethod.Post, target, token is null ? null : proxy.IdentityToken(), new StringContent("{}"),
            request => request.Headers.Add("Connect-Protocol-Version", "1"));
        Assert.Equal((status, code), (answer.Status, answer.Json.GetProperty("code").GetString()));
        Assert.NotNull(answer.ErrorId);
        var plain = await proxy.SendAsync(HttpMethod.Post, target, token is null ? null : proxy.IdentityToken(), new StringContent("{}"));
        Assert.False(plain.Json.TryGetProperty("code", out _));
    }

    [Theory]
    [InlineData(null, "application/grpc+proto", "16")]
    [InlineData(null, "application/grpc-web+proto", "16")]
    [InlineData("TOKEN", "application/grpc", "7")]
    public async Task A_request_of_gRPC_is_told_in_trailers_alone(string? token, string type, string code)
    {
        var content = new ByteArrayContent([0, 0, 0, 0, 0]) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
        var answer = await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/unknown", token is null ? null : proxy.IdentityToken(), content);
        Assert.Equal((HttpStatusCode.OK, ""), (answer.Status, answer.Body));
        Assert.Equal((code, type), (answer.Headers["grpc-status"], answer.Headers["Content-Type"]));
        Assert.NotEmpty(answer.Headers["grpc-message"]);
        Assert.False(answer.Headers.ContainsKey("WWW-Authenticate"));
    }
}
