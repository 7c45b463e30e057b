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
    public IReadOnlyCollection<XElement> GetAllElements() => database.RunAsync(async connection =>
    {
        var rows = await connection.QueryAsync<(string Name, byte[] Sealed)>("SELECT name, sealed FROM data_protection_keys ORDER BY name");
        return rows.Select(row => XElement.Parse(Encoding.UTF8.GetString(Open(masterKey, row.Name, row.Sealed)))).ToList();
    }, CancellationToken.None).GetAwaiter().GetResult();

    public void StoreElement(XElement element, string friendlyName) => database.WriteAsync((connection, transaction) =>
        connection.ExecuteAsync("INSERT INTO data_protection_keys (name, sealed) VALUES (@friendlyName, @sealedElement)",
            new { friendlyName, sealedElement = masterKey.Seal(Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting)), Purpose(friendlyName)) }, transaction),
        CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>Seals every element again under the first master key, so that the others may be taken off the list.</summary>
    public static async Task ResealAsync(MasterKey masterKey, DbConnection connection, DbTransaction transaction)
    {
        foreach (var (name, sealedElement) in (await connection.QueryAsync<(string, byte[])>("SELECT name, sealed FROM data_protection_keys", transaction: transaction)).ToList())
        {
            await connection.ExecuteAsync("UPDATE data_protection_keys SET sealed = @again WHERE name = @name",
                new { name, again = masterKey.Seal(Open(masterKey, name, sealedElement), Purpose(name)) }, transaction);
        }
    }

    private static byte[] Open(MasterKey masterKey, string name, byte[] sealedElement) =>
        masterKey.Open(sealedElement, Purpose(name), out _) ?? throw new CryptographicException($"the key ring's element `{name}` was not sealed by this master key");

    private static string Purpose(string name) => $"key-ring/{name}";
}
