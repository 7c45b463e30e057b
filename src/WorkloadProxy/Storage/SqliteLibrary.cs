using System.Runtime.InteropServices;
using SQLitePCL;

namespace WorkloadProxy.Storage;

/// <summary>The system's own SQLite: its security fixes come with the system's, and no native binary is shipped.</summary>
internal static class SqliteLibrary
{
    private static readonly string[] names = ["libsqlite3.so.0", "libsqlite3.so", "libsqlite3.dylib", "winsqlite3"];

    // a DLL import resolver can be set once in a process
    private static readonly Lazy<nint> handle = new(() =>
    {
        var found = names.Select(name => NativeLibrary.TryLoad(name, out var library) ? library : 0).FirstOrDefault(library => library != 0);
        if (found == 0) return 0;
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, (name, _, _) => name == "e_sqlite3" ? found : 0);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return found;
    });

    /// <summary>Loads the library, once.</summary>
    public static void Load()
    {
        if (handle.Value == 0)
        {
            throw new StartException($"SQLite was not found: none of {string.Join(", ", names.Select(name => $"`{name}`"))} could be loaded",
                "install the Debian package libsqlite3-0 (`apt-get install libsqlite3-0`), or your system's package of that library");
        }
    }
}
