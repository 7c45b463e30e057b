using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace WorkloadProxy.Storage;

/// <summary>What an operator does about a store that can't be opened.</summary>
internal static class StoreHelp
{
    // what a start writes is far less
    private const long EnoughRoom = 1024 * 1024;

    public static string For(string path, Exception error) => ForFullDisk(path) ?? error.GetBaseException() switch
    {
        SqliteException { SqliteErrorCode: raw.SQLITE_CANTOPEN or raw.SQLITE_READONLY or raw.SQLITE_PERM } or UnauthorizedAccessException =>
            "give this user write access to `DataDirectory` and everything in it",
        SqliteException { SqliteErrorCode: raw.SQLITE_BUSY or raw.SQLITE_LOCKED } => "end the program that has the store open",
        SqliteException { SqliteErrorCode: raw.SQLITE_IOERR }
            or IOException => "look at the disk where `DataDirectory` lies: it does not read or write as it should",
        _ => "restore the store and its master key from a backup",
    };

    /// <summary>Null where there is room. The disk itself is asked, for SQLite calls a full one also an I/O error, or fails at the rollback.</summary>
    public static string? ForFullDisk(string path)
    {
        try
        {
            var disk = new DriveInfo(Path.GetFullPath(path));
            return disk.AvailableFreeSpace < EnoughRoom ? "the disk is full: make room where `DataDirectory` lies; what is stored stays" : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
