using System.Text.Json;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration;
using WorkloadProxy.Outbound;

namespace WorkloadProxy.Authentication.Issuers;

/// <summary>
/// Where one issuer's keys are published: by discovery (OpenID Connect Discovery §4), at the operator's <c>MetadataAddress</c>, or in a <c>JwksFile</c>.
/// </summary>
internal sealed class IssuerKeySource(string issuer, IssuerOptions? listed, BoundedFetch fetch)
{
    private const string WellKnown = "/.well-known/openid-configuration";
    private const int MaxDepth = 16;
    private readonly FetchTrust trust = listed is null ? FetchTrust.Public : FetchTrust.Listed;

    public string Issuer => issuer;

    /// <summary>
    /// What its keys are stored under. Keys that were fetched by the rules of a listed issuer are no keys of an unlisted one: taken out of <c>Issuers</c>, it
    /// must pass the guard of the others first.
    /// </summary>
    public string StoreName => listed is null ? issuer : $"listed {issuer}";

    /// <summary>The keys are a file of the operator's: looked at often, and nothing to keep in the store.</summary>
    public bool IsFile => listed?.JwksFile is not null;

    /// <summary>The JWK Set's text. Throws only when cancelled.</summary>
    public async Task<Fetched> FetchAsync(CancellationToken cancellationToken)
    {
        if (listed?.JwksFile is { } file) return await ReadAsync(file, cancellationToken);
        if (DiscoveryAddress() is not { } discovery) return new(null, "the issuer is not an https address without query and fragment");
        var access = listed is { CaFile: not null } or { TokenFile: not null } ? new FetchAccess(listed.CaFile, listed.TokenFile, discovery) : null;
        var metadata = await fetch.GetAsync(discovery, trust, cancellationToken, access);
        if (metadata.Content is null) return metadata;
        if (ReadMetadata(metadata.Content, discovery, out var keys) is { } error) return new(null, $"`{discovery}` {error}");
        return await fetch.GetAsync(keys!, trust, cancellationToken, access);
    }

    private Uri? DiscoveryAddress()
    {
        if (listed?.MetadataAddress is { } configured) return configured;
        // the path's last slash is removed before the well-known part is added (Discovery §4.1)
        return Uri.TryCreate(issuer, UriKind.Absolute, out var address) && address.Query.Length == 0 && address.Fragment.Length == 0 && !issuer.Contains('?')
            && !issuer.Contains('#')
            && Uri.TryCreate(issuer.TrimEnd('/') + WellKnown, UriKind.Absolute, out var discovery)
            ? discovery
            : null;
    }

    private string? ReadMetadata(byte[] content, Uri discovery, out Uri? keys)
    {
        keys = null;
        if (!StrictJson.TryParseObject(content, MaxDepth, out var json, out var error)) return error;
        using var _ = json;
        if (!json.RootElement.TryGetProperty("issuer", out var named) || named.ValueKind != JsonValueKind.String || !named.ValueEquals(issuer))
            return "says another `issuer` than the token";
        if (!json.RootElement.TryGetProperty("jwks_uri", out var uri) || uri.ValueKind != JsonValueKind.String
            || !Uri.TryCreate(uri.GetString(), UriKind.Absolute, out keys)) return "has no `jwks_uri` that is an address";
        keys = Inside(keys, discovery);
        return null;
    }

    /// <summary>
    /// With a <c>MetadataAddress</c>, a <c>jwks_uri</c> on the issuer's own origin is asked at the metadata's: the public one may not be reachable from here.
    /// </summary>
    private Uri Inside(Uri keys, Uri discovery) =>
        listed?.MetadataAddress is not null && Uri.TryCreate(issuer, UriKind.Absolute, out var own)
        && Uri.Compare(keys, own, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0
            ? new UriBuilder(keys) { Scheme = discovery.Scheme, Host = discovery.Host, Port = discovery.Port }.Uri
            : keys;

    private static async Task<Fetched> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var content = new byte[Math.Min(stream.Length, BoundedFetch.MaxBytes) + 1];
            var length = await stream.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancellationToken);
            return length > BoundedFetch.MaxBytes ? new(null, $"`{file}` holds more than {BoundedFetch.MaxBytes} bytes") : new(content[..length], null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(null, e.Message);
        }
    }
}
