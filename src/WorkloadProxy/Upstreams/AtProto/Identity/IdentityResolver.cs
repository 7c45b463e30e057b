using System.Text;
using System.Text.Json;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>Follows the documents from a handle to a DID, and from a DID to its server and that server's authorization server. It remembers nothing.</summary>
/// <param name="directory">Of <c>did:plc</c>.</param>
/// <param name="handles">Resolves handles; null: each handle's own host does.</param>
/// <param name="documents">Fetches.</param>
internal sealed class IdentityResolver(Uri directory, Uri? handles, PublicDocuments documents)
{
    private const int MaxDepth = 16;

    /// <summary>The DID that a handle leads to. Whether that DID's document names the handle too is for the caller to check.</summary>
    public async Task<Result<Did>> ResolveAsync(Handle handle, CancellationToken cancellationToken)
    {
        var fetched = handles is { } resolver
            ? await documents.GetListedAsync(
                new Uri($"{resolver.ToString().TrimEnd('/')}/xrpc/com.atproto.identity.resolveHandle?handle={Uri.EscapeDataString(handle.Text)}"),
                cancellationToken)
            : await documents.GetAsync(documents.OriginOf(handle.Text, mustBeListed: false)!, "/.well-known/atproto-did", cancellationToken);
        if (!fetched.Succeeded(out var content, out var failure)) return failure;
        var text = handles is null ? PlainText(content) : DidIn(content);
        return Did.TryParse(text, out var did) ? did : new Failure(ErrorId.Unprocessable, $"`{handle}` leads to no DID");
    }

    public async Task<Result<DidDocument>> DocumentAsync(Did did, CancellationToken cancellationToken)
    {
        Result<byte[]> fetched;
        if (did.IsPlc) fetched = await documents.GetListedAsync(new Uri($"{directory.ToString().TrimEnd('/')}/{did}"), cancellationToken);
        else if (documents.OriginOf(did.Host!, did.IsLocal) is { } origin)
            fetched = await documents.GetAsync(origin, "/.well-known/did.json", cancellationToken);
        else return new Failure(ErrorId.Unprocessable, $"the server of `{did}` is this machine's own, and not listed");
        if (!fetched.Succeeded(out var content, out var failure)) return failure;
        return DidDocument.Parse(content, did, out var problem) is { } document ? document : Wrong($"the document of `{did}`", problem);
    }

    /// <summary>The issuer that a personal data server takes tokens of.</summary>
    public async Task<Result<string>> IssuerAsync(string pds, CancellationToken cancellationToken)
    {
        if (!(await documents.GetAsync(pds, "/.well-known/oauth-protected-resource", cancellationToken)).Succeeded(out var content, out var failure))
            return failure;
        return IssuerIn(content, out var problem) is { } issuer ? issuer : Wrong($"what `{pds}` says of its authorization server", problem);
    }

    public async Task<Result<AuthorizationServer>> AuthorizationServerAsync(string issuer, CancellationToken cancellationToken)
    {
        if (!(await documents.GetAsync(issuer, "/.well-known/oauth-authorization-server", cancellationToken)).Succeeded(out var content, out var failure))
            return failure;
        return AuthorizationServer.Parse(content, issuer, out var problem) is { } server ? server : Wrong($"the metadata of `{issuer}`", problem);
    }

    private static string? IssuerIn(ReadOnlyMemory<byte> json, out string? problem)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out problem)) return null;
        using (document)
        {
            problem = "does not name exactly one origin";
            if (!document.RootElement.TryGetProperty("authorization_servers", out var servers) || servers.ValueKind != JsonValueKind.Array
                || servers.GetArrayLength() != 1)
                return null;
            // an issuer is compared as text, so it must be written as an origin is
            return servers[0].ValueKind == JsonValueKind.String && Origin.TryParse(servers[0].GetString(), out var origin) && origin == servers[0].GetString()
                ? origin : null;
        }
    }

    private static string? DidIn(ReadOnlyMemory<byte> json)
    {
        if (!StrictJson.TryParseObject(json, MaxDepth, out var document, out _)) return null;
        using (document) return document.RootElement.TryGetProperty("did", out var did) && did.ValueKind == JsonValueKind.String ? did.GetString() : null;
    }

    private static string? PlainText(byte[] content) => content.Length <= 1024 ? Encoding.ASCII.GetString(content).Trim() : null;

    private static Failure Wrong(string what, string? problem) => new(ErrorId.Unprocessable, $"{what} {problem}");
}
