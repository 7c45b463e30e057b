using System.Globalization;
using WorkloadProxy.Audit;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Audit;

public sealed class InFlightSharesTests
{
    private static readonly AuthContext acme = new("Depot", "acme"), other = new("Depot", "other");
    private readonly InFlightShares shares = new(places: 10);

    [Fact]
    public void A_context_has_half_of_the_places_and_the_next_gets_its_own()
    {
        var taken = Enumerable.Range(0, 5).Select(_ => Of(acme)).ToList();
        Assert.All(taken, record => Assert.Null(shares.Take(record)));

        var refused = shares.Take(Of(acme));

        Assert.Equal((ErrorId.TooManyRequests, "the context has 5 requests under way, which is as many as it may"), (refused!.Id, refused.Message));
        Assert.Null(shares.Take(Of(other)));
        shares.Leave(taken[0]);
        Assert.Null(shares.Take(Of(acme)));
    }

    [Fact]
    public void Users_tokens_have_half_of_the_places_however_many_addresses_they_come_from()
    {
        var taken = Enumerable.Range(0, 5).Select(i => From($"198.51.100.{i.ToString(CultureInfo.InvariantCulture)}")).ToList();
        Assert.All(taken, record => Assert.Null(shares.Take(record)));

        Assert.StartsWith("5 requests with users' API tokens are under way", shares.Take(From("198.51.100.9"))!.Message);

        shares.Leave(taken[0]);
        // a record that has left holds nothing more
        shares.Leave(taken[0]);
        Assert.Null(shares.Take(From("198.51.100.9")));
        Assert.NotNull(shares.Take(From("198.51.100.9")));
    }

    private static RequestRecord From(string client) => new() { Time = default, Started = 0, Client = client };

    private static RequestRecord Of(AuthContext context) => new()
    {
        Time = default,
        Started = 0,
        Caller = new Caller(new VerifiedToken
        {
            Context = context,
            Claims = WorkloadProxy.Policies.Claims.Parse("{}"u8.ToArray()),
            Issuer = "i",
            Subject = "s",
            IsOwn = true,
            Expires = default,
            RevocationIds = ["a"],
        }, null!, ""),
    };
}
