using WorkloadProxy.Requests;
using WorkloadProxy.Tests.Authentication;

namespace WorkloadProxy.Tests.GitHosting;

public class FailureLimitTests
{
    [Fact]
    public void After_a_minute_an_address_may_try_again()
    {
        var time = TestClock.New();
        var limit = new FailureLimit(time);
        for (var i = 0; i < 9; i++) limit.Note("192.0.2.1");
        Assert.Null(limit.WaitOf("192.0.2.1"));
        limit.Note("192.0.2.1");
        Assert.NotNull(limit.WaitOf("192.0.2.1"));
        Assert.Null(limit.WaitOf("192.0.2.2"));

        time.Advance(TimeSpan.FromSeconds(61));

        Assert.Null(limit.WaitOf("192.0.2.1"));
        limit.Note("192.0.2.1");
        Assert.Null(limit.WaitOf("192.0.2.1"));
    }

    [Fact]
    public void Addresses_of_one_IPv6_network_count_together()
    {
        var limit = new FailureLimit(TestClock.New());
        for (var i = 0; i < 10; i++) limit.Note($"2001:db8::{i}");

        Assert.NotNull(limit.WaitOf("2001:db8::ffff"));
        Assert.Null(limit.WaitOf("2001:db8:0:1::1"));
    }

    [Theory]
    [InlineData("::ffff:192.0.2.1")]
    [InlineData("::ffff:c000:201")]
    public void An_IPv4_address_counts_as_such_however_it_is_written(string mapped)
    {
        var limit = new FailureLimit(TestClock.New());
        for (var i = 0; i < 10; i++) limit.Note(i % 2 == 0 ? "192.0.2.1" : mapped);

        Assert.NotNull(limit.WaitOf("192.0.2.1"));
        Assert.NotNull(limit.WaitOf(mapped));
        Assert.Null(limit.WaitOf("::ffff:192.0.2.2"));
    }

    [Fact]
    public void A_flood_from_everywhere_locks_nobody_out_and_later_failures_are_still_counted()
    {
        var time = TestClock.New();
        var limit = new FailureLimit(time);
        for (var i = 0; i < 3 * FailureLimit.MaxAddresses; i++) limit.Note(Flooding(i));

        Assert.Null(limit.WaitOf("192.0.2.1"));
        for (var i = 0; i < 9; i++) limit.Note("192.0.2.1");
        Assert.Null(limit.WaitOf("192.0.2.1"));
        limit.Note("192.0.2.1");
        Assert.NotNull(limit.WaitOf("192.0.2.1"));
        Assert.Null(limit.WaitOf("192.0.2.2"));

        for (var i = 0; i < FailureLimit.MaxAddresses - 1; i++) limit.Note(Flooding(i));
        Assert.NotNull(limit.WaitOf("192.0.2.1"));
    }

    [Fact]
    public void What_is_kept_is_bounded()
    {
        var limit = new FailureLimit(TestClock.New());
        for (var i = 0; i < 10 * FailureLimit.MaxAddresses; i++) limit.Note(Flooding(i));
        Assert.Equal(FailureLimit.MaxAddresses, limit.Count);
    }

    [Fact]
    public void What_is_over_is_forgotten()
    {
        var time = TestClock.New();
        var limit = new FailureLimit(time);
        for (var i = 0; i < 100; i++) limit.Note(Flooding(i));
        time.Advance(TimeSpan.FromMinutes(1));
        limit.Note("192.0.2.1");

        Assert.Equal(1, limit.Count);
    }

    private static string Flooding(int i) => $"2001:db8:{i >> 16:x}:{i & 0xffff:x}::1";
}
