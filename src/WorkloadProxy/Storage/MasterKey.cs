using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Configuration;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Storage;

/// <summary>The operator's key over all others: the first of its list seals, all open. AES-256-GCM: version, nonce, tag, ciphertext.</summary>
internal sealed class MasterKey
{
    private const int MaxFile = 16 * 1024;
    private const int KeySize = 32, NonceSize = 12, TagSize = 16, HeaderSize = 1 + NonceSize + TagSize;
    private const byte Version = 1;
    private readonly byte[][] keys;

    private MasterKey(byte[][] keys) => this.keys = keys;

    /// <summary>
    /// Reads the key from where the configuration says, or from <paramref name="defaultFile"/>. A file is made when the store is new
    /// (<paramref name="sealedStore"/> is false); a store that is sealed already has a key that must be found. Without a default file the configuration must
    /// say, and nothing is made.
    /// </summary>
    public static MasterKey Load(MasterKeyOptions options, string? defaultFile, bool sealedStore)
    {
        if (options.EnvironmentVariable is { } variable)
        {
            var value = Environment.GetEnvironmentVariable(variable);
            return string.IsNullOrWhiteSpace(value)
                ? throw new StartException($"the environment variable `{variable}` of `MasterKey:EnvironmentVariable` is not set", Help)
                : Parse(value, $"environment variable `{variable}`");
        }
        var file = options.File ?? defaultFile
            ?? throw new StartException("`MasterKeyFile` is not set: on PostgreSQL no master key is made, for all replicas need the same one", Help);
        try
        {
            if (defaultFile is not null && !sealedStore && !File.Exists(file)) Create(file);
            var text = SecretFile.Read(file, MaxFile);
            return text.Length > MaxFile ? throw new StartException($"file `{file}` is larger than a list of master keys", Help)
                : Parse(text, $"file `{file}`");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StartException(sealedStore ? $"the store is sealed, and its master key `{file}` is not there" : $"the master key `{file}` is not there",
                sealedStore ? "restore the file from a backup: without it the store's secrets can't be opened" : Help, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"the master key `{file}` can't be read or made: {e.Message}",
                StoreHelp.ForFullDisk(file) ?? "let this user read the file, and no other", e);
        }
    }

    /// <summary>Reads a list of base64 keys, separated by white space or commas; <paramref name="source"/> names it in errors.</summary>
    public static MasterKey Parse(string text, string source)
    {
        var keys = text.Split([' ', '\t', '\r', '\n', ','], StringSplitOptions.RemoveEmptyEntries).Select(part =>
        {
            var key = new byte[KeySize + 1];
            return Convert.TryFromBase64String(part, key, out var length) && length == KeySize ? key[..KeySize] : null;
        }).ToArray();
        if (keys.Length == 0) throw new StartException($"{source} holds no master key", Help);
        var broken = Array.IndexOf(keys, null);
        if (broken >= 0) throw new StartException($"key {broken + 1} in {source} is not base64 for exactly 32 bytes", Help);
        return new MasterKey(keys!);
    }

    /// <summary>Seals under the first key; <paramref name="purpose"/> must be the same when it is opened.</summary>
    public byte[] Seal(ReadOnlySpan<byte> secret, string purpose)
    {
        var result = new byte[HeaderSize + secret.Length];
        result[0] = Version;
        RandomNumberGenerator.Fill(result.AsSpan(1, NonceSize));
        using var aes = new AesGcm(keys[0], TagSize);
        aes.Encrypt(result.AsSpan(1, NonceSize), secret, result.AsSpan(HeaderSize), result.AsSpan(1 + NonceSize, TagSize), Encoding.UTF8.GetBytes(purpose));
        return result;
    }

    /// <summary>Opens with whichever key fits, or null if none does; <paramref name="byFirst"/> tells whether it was the one that seals.</summary>
    public byte[]? Open(ReadOnlySpan<byte> sealedSecret, string purpose, out bool byFirst)
    {
        byFirst = false;
        if (sealedSecret.Length < HeaderSize || sealedSecret[0] != Version) return null;
        var secret = new byte[sealedSecret.Length - HeaderSize];
        for (var i = 0; i < keys.Length; i++)
        {
            try
            {
                using var aes = new AesGcm(keys[i], TagSize);
                aes.Decrypt(sealedSecret.Slice(1, NonceSize), sealedSecret[HeaderSize..], sealedSecret.Slice(1 + NonceSize, TagSize), secret,
                    Encoding.UTF8.GetBytes(purpose));
                byFirst = i == 0;
                return secret;
            }
            catch (AuthenticationTagMismatchException)
            {
                // another key's
            }
        }
        return null;
    }

    /// <summary>A key of the first key's, for one purpose (HKDF, RFC 5869).</summary>
    public byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, keys[0], KeySize, info: Encoding.UTF8.GetBytes(purpose));

    private const string Help = "make one with `openssl rand -base64 32`";

    // written beside and renamed: a crash leaves a whole key or none
    private static void Create(string file)
    {
        var draft = file + ".new";
        File.Delete(draft);
        using (var stream = new FileStream(draft, DataDirectory.OwnerOnly(FileMode.CreateNew)))
        {
            stream.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeySize)) + "\n"));
            stream.Flush(flushToDisk: true);
        }
        File.Move(draft, file, overwrite: false);
    }
}
