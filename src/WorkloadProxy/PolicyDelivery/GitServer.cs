using WorkloadProxy.Configuration;
using WorkloadProxy.Control;
using WorkloadProxy.Credentials;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.PolicyDelivery.Publishing;
using WorkloadProxy.PolicyDelivery.Remote;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Upstreams.DigitalOcean;

namespace WorkloadProxy.PolicyDelivery;

/// <summary>The paths under which policy repositories are reached, with what answers at them.</summary>
internal sealed class GitServer
{
    private readonly GitEndpoints endpoints;
    private readonly WebhookEndpoint webhooks;
    private readonly PushGate gate;
    private readonly RemoteGitSources remotes;

    public GitServer(
        ProxyOptions options, GitSources sources, PolicySetStore sets, AuthenticateToken authenticate, ApiTokens tokens, GitTokens ownTokens,
        CredentialStore credentials, TimeProvider time, ILoggerFactory logs)
    {
        var failures = new FailureLimit(time);
        remotes = sources.Remote;
        gate = new PushGate(sources.Program, sources.Hosted, sources.Reviews, options, sets, time, logs.CreateLogger<PushGate>());
        endpoints = new GitEndpoints(new GitAccess(options, authenticate, tokens, ownTokens, credentials, sets, failures, time), sources.Hosted, new HttpBackend(sources.Program, options.Git, time), gate);
        webhooks = new WebhookEndpoint(sources.Remote, time);
    }

    /// <summary>What the control socket answers: git's hook, and <c>policy pull</c>.</summary>
    public IEnumerable<KeyValuePair<string, ControlCommand>> ControlCommands => [new(PushGate.CommandName, gate.AnswerAsync), new(RemoteGitSources.PullName, remotes.PullAsync)];

    /// <summary>Answers at one of git's paths, to git's own credentials; null when the answer went back.</summary>
    public Task<Failure?> HandleAsync(HttpContext http, RequestRecord record, GitPath path, string rawQuery) =>
        path.Operation == GitOperation.Webhook ? webhooks.HandleAsync(http, record, path) : endpoints.HandleAsync(http, record, path, rawQuery);
}
