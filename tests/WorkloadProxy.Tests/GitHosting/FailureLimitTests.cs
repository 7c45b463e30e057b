using WorkloadProxy.GitHosting;
using WorkloadProxy.Tests.Authentication;

namespace WorkloadProxy.Tests.GitHosting;

public class FailureLimitTests
{
    [Fact]
    public void After_a_minute_an_address_may_try_again()
    {
        var time = new ManualTime();
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
        var limit = new FailureLimit(new ManualTime());
        for (var i = 0; i < 10; i++) limit.Note($"2001:db8::{i}");

        Assert.NotNull(limit.WaitOf("2001:db8::ffff"));
        Assert.Null(limit.WaitOf("2001:db8:0:1::1"));
    }
}
