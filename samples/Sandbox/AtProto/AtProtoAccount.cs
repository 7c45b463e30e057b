using System.Security.Cryptography;

namespace Sandbox.AtProto;

/// <summary>An account of the network: who it is, where it lives, and what it has published.</summary>
public sealed class AtProtoAccount(string did, string name, PersonalDataServer server)
{
    public string Did => did;
    public string Handle => $"{name}.test";
    public string Email => $"{name}@example.com";

    /// <summary>The account's own, which opens its sign-in page. Apps get <see cref="AppPassword"/>.</summary>
    public string Password { get; } = $"{name}-{RandomNumberGenerator.GetHexString(12, lowercase: true)}";
    public string AppPassword { get; } = string.Join('-',
        Enumerable.Range(0, 4).Select(_ => RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", 4)));

    /// <summary>Where the account lives. Its records move with it.</summary>
    public PersonalDataServer Server { get; set; } = server;

    /// <summary>What its DID document names as its server; null: <see cref="Server"/>, as it should be.</summary>
    public string? StatedServer { get; set; }

    public Repository Repository { get; } = new();

    /// <summary>Whether that is its DID or its handle.</summary>
    public bool Is(string? identifier) => identifier == Did || string.Equals(identifier, Handle, StringComparison.OrdinalIgnoreCase);

    internal object Document() => new Dictionary<string, object>
    {
        ["@context"] = new[] { "https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1" },
        ["id"] = Did,
        ["alsoKnownAs"] = new[] { $"at://{Handle}" },
        ["verificationMethod"] = new[]
        { new { id = $"{Did}#atproto", type = "Multikey", controller = Did, publicKeyMultibase = "zQ3shSandboxSandboxSandboxSandboxSandboxSandboxSan" } },
        ["service"] = new[] { new { id = "#atproto_pds", type = "AtprotoPersonalDataServer", serviceEndpoint = StatedServer ?? Server.Url } },
    };
}
