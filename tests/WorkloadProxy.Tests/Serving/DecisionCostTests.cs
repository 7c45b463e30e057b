using System.Net;
using System.Text;

namespace WorkloadProxy.Tests.Serving;

/// <summary>
/// One permitted caller's body times a team's rules must not come to seconds: what would cost more than a decision may is a denial, and the next request costs
/// what it did before.
/// </summary>
public sealed class DecisionCostTests : IAsyncLifetime
{
    private TestProxy proxy = null!;

    public async ValueTask InitializeAsync() => proxy = await TestProxy.StartAsync(Examples.ForOneJob($$"""
        path "/v2/echo/regex" {
          capabilities       = ["create"]
          allowed_parameters = { "a" = [regex("([a-z]+[0-9]?)+")], "?" = { "*" = [] } }
        }
        path "/v2/echo/denied" {
          capabilities      = ["create"]
          denied_parameters = { "a" = [regex("([a-z]+[0-9]?)+x")] }
        }
        {{string.Concat(Enumerable.Range(0, 60).Select(WhenRule))}}
        """));

    public ValueTask DisposeAsync() => proxy.DisposeAsync();

    [Theory]
    [InlineData("/v2/echo/regex", 1, 64 * 1024, HttpStatusCode.Forbidden)]
    [InlineData("/v2/echo/regex", 200, 4000, HttpStatusCode.Forbidden)]
    [InlineData("/v2/echo/regex", 20, 4000, HttpStatusCode.OK)]
    [InlineData("/v2/echo/denied", 1, 64 * 1024, HttpStatusCode.Forbidden)]
    [InlineData("/v2/echo/denied", 200, 4000, HttpStatusCode.Forbidden)]
    [InlineData("/v2/echo/denied", 20, 4000, HttpStatusCode.OK)]
    public async Task Values_meet_a_regex_up_to_a_length_and_together_up_to_a_budget(string path, int values, int length, HttpStatusCode expected)
    {
        var body = $$"""{"a":[{{string.Join(',', Enumerable.Repeat($"\"{new string('a', length)}\"", values))}}]}""";

        Assert.Equal(expected, (await proxy.PostJsonAsync(path, proxy.IdentityToken(), body)).Status);
        Assert.Equal(expected == HttpStatusCode.OK ? 1 : 0, proxy.Sandbox.Requests.All.Count);
    }

    [Fact]
    public async Task Conditions_on_a_megabyte_share_the_budget_and_a_small_body_after_it_has_its_own()
    {
        var large = new StringBuilder("{\"items\":[0,0,0,0,0");
        while (large.Length < 1_000_000) large.Append(",60");
        large.Append("]}");

        var refused = await proxy.PostJsonAsync("/v2/echo/when", proxy.IdentityToken(), large.ToString());

        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Empty(proxy.Sandbox.Requests.All);
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync("/v2/echo/when", proxy.IdentityToken(), """{"items":[7,7,7,7,7]}""")).Status);
    }

    private static string WhenRule(int number) => $$"""
        path "/v2/echo/when" {
          capabilities = ["create"]
          when         = length([for item in request.body.items : item if item == {{number}}]) == 5
        }

        """;
}
