using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Dapper;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace WorkloadProxy.Storage;

/// <summary>Data Protection's key ring in the store: whole elements are sealed by the master key, so an <c>IXmlEncryptor</c> has nothing left to do.</summary>
internal sealed class KeyRing(Database database, MasterKey masterKey) : IXmlRepository
{
    private const string Read = "SELECT name, sealed FROM data_protection_keys ORDER BY name";
    private (DbConnection Connection, DbTransaction Transaction)? within;

    /// <summary>Lets <paramref name="work"/> read and write the ring in this transaction; outside of one it is only read.</summary>
    public T Within<T>(DbConnection connection, DbTransaction transaction, Func<T> work)
    {
        within = (connection, transaction);
        try
        {
            return work();
        }
        finally
        {
            within = null;
        }
    }

    // Data Protection asks synchronously: at start, and once a day
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        var rows = within is var (connection, transaction)
            ? connection.Query<(string Name, byte[] Sealed)>(Read, transaction: transaction)
            : database.RunAsync(own => own.QueryAsync<(string Name, byte[] Sealed)>(Read), CancellationToken.None).GetAwaiter().GetResult();
        return rows.Select(row => XElement.Parse(Encoding.UTF8.GetString(Open(masterKey, row.Name, row.Sealed)))).ToList();
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        var (connection, transaction) = within ?? throw new InvalidOperationException("the key ring is written when the store is opened, and at no other time");
        connection.Execute("INSERT INTO data_protection_keys (name, sealed) VALUES (@friendlyName, @sealedElement)",
            new { friendlyName, sealedElement = masterKey.Seal(Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting)),
                Purpose(friendlyName)) }, transaction);
    }

    /// <summary>Seals every element again under the first master key, so that the others may be taken off the list.</summary>
    public static async Task ResealAsync(MasterKey masterKey, DbConnection connection, DbTransaction transaction)
    {
        foreach (var (name, sealedElement) in (await connection.QueryAsync<(string, byte[])>("SELECT name, sealed FROM data_protection_keys",
            transaction: transaction)).ToList())
        {
            await connection.ExecuteAsync("UPDATE data_protection_keys SET sealed = @again WHERE name = @name",
                new { name, again = masterKey.Seal(Open(masterKey, name, sealedElement), Purpose(name)) }, transaction);
        }
    }

    private static byte[] Open(MasterKey masterKey, string name, byte[] sealedElement) =>
        masterKey.Open(sealedElement, Purpose(name), out _)
        ?? throw new CryptographicException($"the key ring's element `{name}` was not sealed by this master key");

    private static string Purpose(string name) => $"key-ring/{name}";
}
