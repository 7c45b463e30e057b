using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.PolicyDelivery.Remote;

/// <summary>
/// <c>POST /_rbac/&lt;Upstream&gt;/&lt;actx&gt;/webhook</c>: whoever knows the secret may have the remote looked at now. The body says nothing that is
/// believed; a replay only looks once more.
/// </summary>
internal sealed class WebhookEndpoint(RemoteGitSources sources, TimeProvider time)
{
    // a delivery of GitHub's may have 25 MB; nothing but its signature is used, and that of a push fits many times
    private const int MaxBody = 1024 * 1024;
    private const string Prefix = "sha256=";

    // what is not configured is checked against this: it takes as long and says the same
    private static readonly byte[] nobodysSecret = RandomNumberGenerator.GetBytes(32);
    // of its own: wrong deliveries come from the addresses that everybody's good ones come from
    private readonly FailureLimit failures = new(time);

    public async Task<Failure?> HandleAsync(HttpContext http, RequestRecord record, GitPath path)
    {
        if (http.Request.Method != "POST") return new Failure(ErrorId.MethodNotAllowed, "expected POST") { Allow = "POST" };
        var source = sources.Find(path.Upstream!, path.Id!);
        if (source is not null)
        {
            record.Upstream = source.Status.Context.Upstream;
            record.NamedContext = source.Status.Context.ToString();
            record.Commit = source.Status.Version;
        }
        if (!(await BodyReader.ReadFormAsync(http, MaxBody, time)).Succeeded(out var body, out var unread)) return unread;
        // verified before anything is limited: a delivery that is signed well gets through, whatever others send from its address
        var secret = source is null ? null : SecretOf(source);
        var isSigned = IsSigned(http.Request.Headers["X-Hub-Signature-256"].ToString(), HMACSHA256.HashData(secret ?? nobodysSecret, body));
        if (source is null || secret is null || !isSigned) return Refuse(record.Client, path);
        record.Context = record.NamedContext;
        source.Wake();
        record.Permit("webhook");
        record.Reply(StatusCodes.Status202Accepted, null, ReadOnlyMemory<byte>.Empty);
        return null;
    }

    /// <summary>One answer, whether the secret is another or there is none: who asks learns of no context.</summary>
    private Failure Refuse(string? client, GitPath path)
    {
        var wrong = $"{FailureLimit.NetworkOf(client)} {Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{path.Upstream}/{path.Id}")))}";
        if (failures.WaitOf(wrong) is { } wait)
            return new Failure(ErrorId.TooManyRequests, "too many wrong signatures from this address") { RetryAfter = wait };
        failures.Note(wrong);
        return new Failure(ErrorId.InvalidToken, "expected `X-Hub-Signature-256` with the body's HMAC-SHA-256 under the webhook's secret");
    }

    private static byte[]? SecretOf(RemoteGitSource source)
    {
        try
        {
            return source.WebhookSecretFile is { } file && RemoteGitMirror.ReadSecret(file) is { Length: > 0 } secret ? Encoding.UTF8.GetBytes(secret) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsSigned(string signature, byte[] hash)
    {
        Span<byte> given = stackalloc byte[SHA256.HashSizeInBytes];
        return signature.Length == Prefix.Length + 2 * given.Length && signature.StartsWith(Prefix, StringComparison.Ordinal)
            && Convert.FromHexString(signature.AsSpan(Prefix.Length), given, out _, out _) == System.Buffers.OperationStatus.Done
            && CryptographicOperations.FixedTimeEquals(given, hash);
    }
}
