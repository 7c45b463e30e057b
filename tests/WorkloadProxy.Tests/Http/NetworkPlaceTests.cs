using WorkloadProxy.Outbound;

namespace WorkloadProxy.Tests.Http;

public sealed class NetworkPlaceTests
{
    [Theory]
    [InlineData("http://127.0.0.1:5000")]
    [InlineData("http://[::1]:5000")]
    [InlineData("http://localhost:5556/dex")]
    [InlineData("http://localhost.:5556/dex")]
    [InlineData("http://dex.localhost")]
    [InlineData("http://dex.dex.svc:5556")]
    [InlineData("http://DEX.dex.SVC:5556")]
    [InlineData("http://dex.dex.svc.cluster.local:5556")]
    [InlineData("http://10.1.2.3")]
    [InlineData("http://172.31.255.255")]
    [InlineData("http://192.168.0.1")]
    [InlineData("http://[fd00::1]")]
    [InlineData("http://[::ffff:10.0.0.1]")]
    public void Loopback_and_the_cluster(string address) => Assert.True(NetworkPlace.IsLoopbackOrInCluster(new Uri(address)));

    [Theory]
    [InlineData("http://issuer.example")]
    [InlineData("http://8.8.8.8")]
    [InlineData("http://100.64.0.1")]
    [InlineData("http://100.127.255.255")]
    [InlineData("http://[::ffff:100.64.0.1]")]
    [InlineData("http://169.254.169.254")]
    [InlineData("http://[fe80::1]")]
    [InlineData("http://172.32.0.1")]
    [InlineData("http://0.0.0.0")]
    [InlineData("http://localhost.example")]
    [InlineData("http://evil-svc")]
    [InlineData("http://svc")]
    [InlineData("http://cluster.local")]
    public void What_is_neither(string address) => Assert.False(NetworkPlace.IsLoopbackOrInCluster(new Uri(address)));
}
