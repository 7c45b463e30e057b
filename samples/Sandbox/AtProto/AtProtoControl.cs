namespace Sandbox.AtProto;

/// <summary>The network's own paths, on the directory's address: who is there, faults to order, and what owners and operators do.</summary>
internal static class AtProtoControl
{
    public static void MapAtProtoControl(this WebApplication app, AtProtoNetwork network)
    {
        app.MapGet("/_sandbox/atproto", network.Describe);
        app.MapPut("/_sandbox/atproto/faults", (Order[] orders) =>
        {
            foreach (var order in orders)
            {
                var faults = order.Server is { } index ? network.Servers[index].Faults : network.DirectoryFaults;
                faults.Order(order.Path, order.Faults.Select(fault => Enum.Parse<AtProtoFault>(fault.Replace("_", ""), ignoreCase: true)));
            }
            return Results.NoContent();
        });
        app.MapPost("/_sandbox/atproto/end", (string did) => On(network, did, account => account.Server.AuthorizationServer.OAuth.EndSessions(account)));
        app.MapPost("/_sandbox/atproto/move", (string did, int server) => On(network, did, account => account.Server = network.Servers[server]));
        app.MapPut("/_sandbox/atproto/clients", (string host, Uri address) =>
        {
            network.ClientHosts[host] = address;
            return Results.NoContent();
        });
        app.MapGet("/_sandbox/atproto/requests", (int server) => Results.Json(network.Servers[server].Requests.All));
    }

    private static IResult On(AtProtoNetwork network, string did, Action<AtProtoAccount> change)
    {
        if (network.Accounts.FirstOrDefault(account => account.Did == did) is not { } account) return Results.NotFound();
        change(account);
        return Results.NoContent();
    }

    /// <summary>Faults for requests to paths that begin so; without a server, to the directory.</summary>
    internal sealed record Order(string Path, string[] Faults, int? Server = null);
}
