using WorkloadProxy.Forwarding;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Upstreams.AtProto.Identity;

namespace WorkloadProxy.Upstreams.AtProto;

/// <summary>A context is a DID, and its requests go to that account's own server.</summary>
internal sealed class AccountAddress(AtProtoServers servers) : IUpstreamAddress
{
    private static readonly Failure elsewhere = new(ErrorId.Forbidden, "only `/xrpc/METHOD` of an account's server is open to requests");

    public ValueTask<Result<string>> FindAsync(AuthContext context, string path, CancellationToken cancellationToken)
    {
        if (!XrpcPath.Is(path)) return new(elsewhere);
        if (!Did.TryParse(context.Id, out var did)) return new(NoDid(context));
        var finding = servers.FindAsync(did, cancellationToken);
        return finding.IsCompletedSuccessfully ? new(OriginOf(finding.Result)) : new(WaitAsync(finding));
    }

    public void NoAnswer(AuthContext context, string origin)
    {
        if (Did.TryParse(context.Id, out var did)) servers.NoAnswer(did);
    }

    private static async Task<Result<string>> WaitAsync(ValueTask<Result<AtProtoServer>> finding) => OriginOf(await finding);

    private static Result<string> OriginOf(Result<AtProtoServer> found) => found.Succeeded(out var server, out var failure) ? server.Pds : failure;

    private static Failure NoDid(AuthContext context) => new(ErrorId.UpstreamUnreachable, $"`{context.Id}` is not a DID, so it has no server");
}
