using WorkloadProxy.Secrets;

namespace WorkloadProxy.Configuration.Options;

/// <summary>
/// The PostgreSQL server of the store. <paramref name="ConnectionString"/> is Npgsql's, and may hold a password; <paramref name="Server"/> is what may be
/// shown.
/// </summary>
internal sealed record PostgresOptions(Secret ConnectionString, string Server)
{
    public override string ToString() => Server;
}
