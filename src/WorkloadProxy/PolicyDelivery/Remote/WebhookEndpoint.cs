using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Audit;
using WorkloadProxy.PolicyDelivery.Hosted;
using WorkloadProxy.Requests;

namespace WorkloadProxy.PolicyDelivery.Remote;

/// <summary>
/// <c>POST /_rbac/&lt;Upstream&gt;/&lt;actx&gt;/webhook</c>: whoever knows the secret may have the remote looked at now. The body says nothing that is believed; a replay only looks once more.
/// </summary>
internal sealed class WebhookEndpoint(RemoteGitSources sources, FailureLimit failures)
{
    // GitHub's own limit for a delivery
    private const long MaxBody = 25 * 1024 * 1024;
    private const string Prefix = "sha256=";

    public async Task<Failure?> HandleAsync(HttpContext http, AuditRecord record, GitPath path)
    {
        if (http.Request.Method != "POST") return new Failure(ErrorId.MethodNotAllowed, "expected POST") { Allow = "POST" };
        if (sources.Find(path.Upstream!, path.Id!) is not { } source || SecretOf(source) is not { Length: > 0 } secret) return new Failure(ErrorId.NotFound, "there is no webhook here");
        if (failures.WaitOf(record.Client) is { } wait) return new Failure(ErrorId.TooManyRequests, "too many wrong signatures from this address") { RetryAfter = wait };
        record.Upstream = source.Status.Context.Upstream;
        record.Context = source.Status.Context.ToString();
        record.Commit = source.Status.Version;
        if (http.Request.ContentLength > MaxBody) return TooLarge();
        if (await HashAsync(http, secret) is not { } hash) return TooLarge();
        if (!IsSigned(http.Request.Headers["X-Hub-Signature-256"].ToString(), hash))
        {
            failures.Note(record.Client);
            return new Failure(ErrorId.InvalidToken, "expected `X-Hub-Signature-256` with the body's HMAC-SHA-256 under the webhook's secret");
        }
        source.Wake();
        record.Decision = AuditDecision.Allow;
        record.Reason = "webhook";
        http.Response.StatusCode = StatusCodes.Status202Accepted;
        return null;
    }

    private static string? SecretOf(RemoteGitSource source)
    {
        try
        {
            return source.WebhookSecretFile is { } file ? RemoteGitMirror.ReadSecret(file) : null;
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
            && Convert.FromHexString(signature.AsSpan(Prefix.Length), given, out _, out _) == System.Buffers.OperationStatus.Done && CryptographicOperations.FixedTimeEquals(given, hash);
    }

    private static async Task<byte[]?> HashAsync(HttpContext http, string secret)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        var buffer = new byte[16 * 1024];
        var total = 0L;
        while (await http.Request.Body.ReadAsync(buffer, http.RequestAborted) is var read and > 0)
        {
            if ((total += read) > MaxBody) return null;
            hmac.AppendData(buffer, 0, read);
        }
        return hmac.GetHashAndReset();
    }

    private static Failure TooLarge() => new(ErrorId.PayloadTooLarge, $"a webhook's body has at most {MaxBody} bytes");
}
