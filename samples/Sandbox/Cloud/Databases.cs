namespace Sandbox.Cloud;

/// <summary>Two databases, of which one has the tutorial's id and tag.</summary>
internal static class Databases
{
    private static readonly Database[] All = [New("9cc10173-e9ea-4176-9dbc-a4cee4c4ff30", "backend", "my-tag"),
        New("5b2f4a6d-90a5-4f7e-b1ad-3f0f0f0c8f11", "billing", "finance")];

    public static void MapDatabases(this WebApplication app)
    {
        app.MapGet("/v2/databases", (HttpRequest request) =>
        {
            var tag = request.Query["tag_name"].ToString();
            var databases = All.Where(database => tag.Length == 0 || database.Tags.Contains(tag)).ToArray();
            return Wire.Json(new { databases, links = new { }, meta = new { total = databases.Length } });
        });
        app.MapGet("/v2/databases/{id}", (string id) =>
            All.FirstOrDefault(database => database.Id == id) is { } found ? Wire.Json(new { database = found }) : DigitalOceanError.NotFound);
    }

    private static Database New(string id, string name, string tag)
    {
        var host = $"{name}.db.example.com";
        return new Database(id, name, "pg", "17", 2, "db-s-2vcpu-4gb", "nyc3", "online", [tag],
            new Connection($"postgresql://doadmin:sandbox@{host}:25060/defaultdb?sslmode=require", host, 25060, "defaultdb", "doadmin", "sandbox", true));
    }

    private sealed record Database(string Id, string Name, string Engine, string Version, int NumNodes, string Size, string Region, string Status,
        string[] Tags, Connection Connection);

    private sealed record Connection(string Uri, string Host, int Port, string Database, string User, string Password, bool Ssl);
}
