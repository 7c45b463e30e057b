using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>The cloud creates a droplet and the proxy can't read which: the token in its user data serves nobody.</summary>
public sealed class LostAnswerTests
{
    [Theory]
    [InlineData("lost", 502)]
    [InlineData("cut off", 502)]
    [InlineData("too long", 202)]
    [InlineData("a failure", 500)]
    [InlineData("compressed", 202)]
    [InlineData("not JSON", 202)]
    [InlineData("without an id", 202)]
    [InlineData("ambiguous", 202)]
    public async Task A_creation_whose_answer_does_not_name_the_droplet_gives_no_identity(string answer, int status)
    {
        await using var test = await ProvisioningTest.StartAsync();
        var sandbox = test.Proxy.Sandbox;
        using var http = new HttpClient { BaseAddress = sandbox.Address };
        sandbox.Intercept = async context =>
        {
            if (context.Request.Method != "POST" || context.Request.Headers.UserAgent == "cloud") return false;
            await AnswerAsync(context, answer, await CreateAsync(http, context));
            return true;
        };

        var created = await test.CreateAsync(ProvisioningTest.Body());

        Assert.True((int)created.Status == status, $"{created.Status} {created.Body}");
        Assert.Equal(HttpStatusCode.OK, (await test.Proxy.GetAsync("/v2/droplets/3164444", sandbox.Options.UserToken)).Status);
        var token = ProvisioningTest.TokenIn(test.LastUserData());
        Assert.Equal(HttpStatusCode.Unauthorized, (await test.ProveAsync(token, await test.SignAsync(token))).Status);
    }

    private static async Task<string> CreateAsync(HttpClient http, HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = new StringContent(await reader.ReadToEndAsync(), Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/droplets") { Content = body };
        request.Headers.Authorization = AuthenticationHeaderValue.Parse(context.Request.Headers.Authorization!);
        request.Headers.UserAgent.ParseAdd("cloud");
        using var answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }

    private static async Task AnswerAsync(HttpContext context, string kind, string whole)
    {
        var body = Encoding.UTF8.GetBytes(kind switch
        {
            "not JSON" => "<html>created</html>",
            "without an id" => """{"links":{}}""",
            "ambiguous" => whole.Insert(1, """ "droplet":{"id":1},"""),
            "too long" => whole + new string(' ', 2 * 1024 * 1024),
            _ => whole,
        });
        if (kind == "lost")
        {
            context.Abort();
            return;
        }
        context.Response.StatusCode = kind == "a failure" ? 500 : 202;
        context.Response.ContentType = "application/json";
        if (kind == "compressed")
        {
            context.Response.Headers.ContentEncoding = "gzip";
            body = Compressed(body);
        }
        context.Response.ContentLength = body.Length;
        if (kind == "cut off")
        {
            await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2));
            await context.Response.Body.FlushAsync();
            context.Abort();
            return;
        }
        await context.Response.Body.WriteAsync(body);
    }

    private static byte[] Compressed(byte[] content)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest)) gzip.Write(content);
        return output.ToArray();
    }
}
