using Microsoft.Extensions.Configuration;
using WorkloadProxy.Server;

namespace WorkloadProxy.Tests.Serving;

public sealed class Http3Tests
{
    [Theory]
    [InlineData("Kestrel:Endpoints:Https:Protocols", "Http1AndHttp2AndHttp3", true)]
    [InlineData("Kestrel:EndpointDefaults:Protocols", "Http3", true)]
    [InlineData("Kestrel:EndpointDefaults:protocols", "http3", true)]
    [InlineData("Kestrel:EndpointDefaults:Protocols", "Http1AndHttp2", false)]
    [InlineData("Kestrel:Endpoints:Http3:Url", "http://127.0.0.1:3333", false)]
    public void Its_transport_is_loaded_where_an_endpoint_asks_for_it(string key, string value, bool expected)
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();
        Assert.Equal(expected, KestrelSetup.AsksForHttp3(settings.GetSection("Kestrel")));
    }
}
