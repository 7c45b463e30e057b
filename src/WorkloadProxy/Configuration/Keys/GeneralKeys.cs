namespace WorkloadProxy.Configuration.Keys;

/// <summary>Keys of the server as a whole, before those of its parts.</summary>
internal static class GeneralKeys
{
    public static readonly ConfigurationKey[] Rows =
    [
        new("PublicUrl", KeyType.Address,
            "the `iss` of tokens, and the base of every address that others see. With a path, everything is served below it and nothing elsewhere")
            { Example = "\"https://proxy.example.com\"", Absent = "required (except in Development)" },
        new("Urls", KeyType.Text, "where to listen. `PORT` overrides the file, `--urls` overrides `PORT`, and `Kestrel:Endpoints` replaces all of them")
            { Default = "http://0.0.0.0:8080", Form = "addresses, separated by `;`" },
        new("DataDirectory", KeyType.Path, "everything that the server keeps") { Default = "data", More = "#install" },
        new("MasterKeyFile", KeyType.Path, "the master key's file")
            { Example = "\"/run/secrets/master-key\"", Absent = "`DataDirectory/master.key`; required with PostgreSQL", More = "#secrets" },
        new("MasterKey:File", KeyType.Path, "another name for `MasterKeyFile`") { Example = "\"/run/secrets/master-key\"" },
        new("MasterKey:EnvironmentVariable", KeyType.Variable, "holds the master key, in place of a file") { Example = "\"MASTER_KEY\"" },
        new("ConnectionStrings:Postgres", KeyType.Text, "PostgreSQL in place of SQLite. Not accepted as an argument, which every user of the machine can read")
        {
            Example = "\"postgres://proxy@db.example.com/proxy\"",
            Form = "connection string",
            More = "#postgresql-and-replicas",
        },
    ];
}
