using System.Diagnostics.CodeAnalysis;
using WorkloadProxy.Requests;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>What a request asks of a repository: one of git's two services, advertised or run.</summary>
internal sealed record GitRequest(GitPath Path, string Service)
{
    private const string Upload = "git-upload-pack";
    private const string Receive = "git-receive-pack";

    /// <summary>Pushing begins with an advertisement of its own.</summary>
    public bool IsPush => Service == Receive;

    /// <summary>The smart protocol only: an <c>info/refs</c> that names no service is the dumb one's.</summary>
    public static bool TryParse(GitPath path, string rawQuery, [NotNullWhen(true)] out GitRequest? request, [NotNullWhen(false)] out Failure? failure)
    {
        failure = null;
        request = (path.Operation, rawQuery) switch
        {
            (GitOperation.UploadPack, "") => new(path, Upload),
            (GitOperation.ReceivePack, "") => new(path, Receive),
            (GitOperation.Advertise, "service=" + Upload) => new(path, Upload),
            (GitOperation.Advertise, "service=" + Receive) => new(path, Receive),
            _ => null,
        };
        if (request is null) failure = new Failure(ErrorId.BadRequest, $"expected git's smart protocol: `info/refs?service={Upload}` or `…={Receive}`");
        return request is not null;
    }
}
