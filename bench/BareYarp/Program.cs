using Yarp.ReverseProxy.Configuration;

// YARP with one catch-all route and nothing else: no policy, no credential, no audit. The measure of what a request costs at least.
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
builder.Services.AddReverseProxy().LoadFromMemory(
    [new RouteConfig { RouteId = "all", ClusterId = "origin", Match = new RouteMatch { Path = "/{**rest}" } }],
    [new ClusterConfig { ClusterId = "origin", Destinations = new Dictionary<string, DestinationConfig>
        { ["origin"] = new() { Address = builder.Configuration["Origin"]! } } }]);
var app = builder.Build();
app.MapReverseProxy();
app.Run();
