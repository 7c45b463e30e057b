using Sandbox.OAuth;

namespace Sandbox.Cloud;

internal static class Account
{
    public static void MapAccount(this WebApplication app, SandboxOptions options, OAuthServer oauth) =>
        app.MapGet("/v2/account", (HttpRequest request) => Results.Json(new
    {
        account = new
        {
            droplet_limit = 25,
            floating_ip_limit = 5,
            volume_limit = 10,
            email = "sammy@example.com",
            name = "Sammy the Shark",
            uuid = "b6fr89dbf6d9156cace5f3c78dc9851d957381ef",
            email_verified = true,
            status = "active",
            status_message = "",
            team = new { uuid = oauth.Find(request.Headers.Authorization.ToString().Split(' ').Last())?.Account.TeamUuid
                ?? options.TeamUuid, name = "My Team" },
        },
    }));
}
