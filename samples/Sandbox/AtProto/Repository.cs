using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Sandbox.AtProto;

/// <summary>A record as it stands in a repository.</summary>
public sealed record RepositoryRecord(string Collection, string Key, string Cid, JsonObject Value);

/// <summary>What changes a repository.</summary>
public sealed record RepositoryWrite(string Action, string Collection, string Key, JsonObject? Value);

/// <summary>The records of one account. The stand-in keeps no Merkle tree: a content id is a hash, and no more.</summary>
public sealed class Repository
{
    private const string Base32 = "abcdefghijklmnopqrstuvwxyz234567";
    private const string SortableBase32 = "234567abcdefghijklmnopqrstuvwxyz";
    private readonly Lock gate = new();
    private readonly Dictionary<(string, string), RepositoryRecord> records = [];

    /// <summary>Newest first.</summary>
    public IReadOnlyList<RepositoryRecord> List(string collection)
    {
        lock (gate) return [.. records.Values.Where(record => record.Collection == collection).Reverse()];
    }

    public RepositoryRecord? Find(string collection, string key)
    {
        lock (gate) return records.GetValueOrDefault((collection, key));
    }

    /// <summary>All of it or nothing: null when a record to be created exists, or one to be updated does not.</summary>
    public IReadOnlyList<RepositoryRecord?>? Write(IReadOnlyList<RepositoryWrite> writes)
    {
        lock (gate)
        {
            if (writes.Any(write => write.Action == "create" && records.ContainsKey((write.Collection, write.Key)))) return null;
            return [.. writes.Select(Apply)];
        }
    }

    public static string NewKey() => RandomNumberGenerator.GetString(SortableBase32, 13);

    public static string Cid(ReadOnlySpan<byte> content)
    {
        var hash = SHA256.HashData(content);
        return "bafyrei" + string.Concat(hash.Concat(hash).Take(52).Select(part => Base32[part & 31]));
    }

    private RepositoryRecord? Apply(RepositoryWrite write)
    {
        if (write.Value is null)
        {
            records.Remove((write.Collection, write.Key));
            return null;
        }
        return records[(write.Collection, write.Key)] = new(write.Collection, write.Key, Cid(System.Text.Encoding.UTF8.GetBytes(write.Value.ToJsonString())),
            write.Value);
    }
}
