using System.Data.Common;

namespace WorkloadProxy.Storage;

/// <summary>The SQL store. Features keep their own SQL (Dapper) beside them; this opens connections and runs migrations.</summary>
internal sealed class Database
{
    /// <summary>An open connection, pooled; the caller disposes it.</summary>
    public ValueTask<DbConnection> OpenAsync(CancellationToken cancellationToken) => throw new NotImplementedException();
}
