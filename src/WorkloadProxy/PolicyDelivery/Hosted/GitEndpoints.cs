using WorkloadProxy.PolicyDelivery.Hosted.Repositories;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.PolicyDelivery.Hosted;

/// <summary>
/// git smart HTTP, at the server's root and under <c>/_rbac/&lt;Upstream&gt;/&lt;actx&gt;[.git]</c>: who may, which repository, git, and what came of it.
/// </summary>
internal sealed class GitEndpoints(GitAccess access, HostedRepositories repositories, HttpBackend backend, PushGate gate)
{
    /// <summary>Null when git's answer went back. <paramref name="rawQuery"/> is the target's query as received.</summary>
    public async Task<Failure?> HandleAsync(HttpContext http, RequestRecord record, GitPath path, string rawQuery)
    {
        if (http.Request.Method != path.Allow) return new Failure(ErrorId.MethodNotAllowed, $"expected {path.Allow}") { Allow = path.Allow };
        if (!GitRequest.TryParse(path, rawQuery, out var request, out var failure)) return failure;
        if (!(await access.AuthorizeAsync(http, record, request)).Succeeded(out var permission, out failure)) return failure;
        if (repositories.Find(permission.Context) is not { } repository) return GitAccess.NotFound();
        if (backend.TooLarge(http.Request, request) is { } tooLarge) return tooLarge;

        using var limit = backend.Limit();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, http.RequestAborted);
        try
        {
            if (!(await backend.ReceiveAsync(http.Request, request, repository, ended.Token)).Succeeded(out var body, out failure)) return failure;
            await using var received = body;
            using var place = await backend.TakePlaceAsync(repository, ended.Token);
            if (await repositories.EnsureCurrentAsync(repository, ended.Token) is { } unavailable) return unavailable;
            record.Permit();
            return request.Path.Operation == GitOperation.ReceivePack
                ? await PushAsync(http, record, repository, request, body, permission, ended.Token)
                : await backend.RunAsync(http, record, repository, request, body, null, ended.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
        {
            return new Failure(ErrorId.UpstreamTimeout, "git did not finish in time (`Git:Timeout`)");
        }
    }

    private async Task<Failure?> PushAsync(HttpContext http, RequestRecord record, HostedRepository repository, GitRequest request, ReceivedBody body,
        GitPermission permission, CancellationToken ended)
    {
        var push = new PushSession(repository, record, permission, ended) { Held = repositories.AreShared ? new MemoryStream() : null };
        using var active = repository.BeginPush();
        if (backend.TooMuchAtOnce(repository) is { } tooMuch) return tooMuch;
        using var opened = gate.Open(push);
        Failure? unanswered, unsettled = null;
        try
        {
            unanswered = await backend.RunAsync(http, record, repository, request, body, push, ended);
        }
        finally
        {
            // the response ends when this method does: whoever pushed reads the end of it only once the set is in force
            unsettled = await repositories.SettleAsync(push);
        }
        if ((unsettled ?? unanswered) is { } failure) return failure;
        if (push.Held is { } answer) await http.Response.Body.WriteAsync(answer.GetBuffer().AsMemory(0, (int)answer.Length), ended);
        return null;
    }
}
