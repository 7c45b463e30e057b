using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Policies;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication;

/// <summary>
/// Which run of a workload a token belongs to: one job, agent, pod or VM, however many tokens it gets. It is named by a hash of the issuer and of those claims
/// that tell its runs apart; tokens that are exchanged carry the name on. A token without such claims is a run by itself: guessing wider would put strangers
/// together.
/// </summary>
internal sealed class WorkloadRuns(ProxyOptions options)
{
    private const int HashSize = 16;
    /// <summary>Of GitHub, GitLab and Buildkite, Cursor, and Kubernetes (RFC 7519 has no such claims, and their issuers may be anywhere).</summary>
    private static readonly string[][] usual = [["run_id", "run_attempt"], ["job_id"], ["cloud_agent_id"], ["kubernetes.io", "pod", "uid"]];

    /// <param name="issuer">The token's <c>iss</c>.</param>
    /// <param name="isOwn">Whether this proxy made it: what others write into <c>run</c> is not believed.</param>
    /// <param name="claims">Its claims.</param>
    /// <param name="id">What names the token itself.</param>
    public string Of(string issuer, bool isOwn, Claims claims, string id)
    {
        if (isOwn && claims.String(OwnClaims.Run) is { } run) return run;
        var names = isOwn ? ["droplet_id"] : options.Issuers.FirstOrDefault(listed => listed.Issuer == issuer) is { Run: { Count: > 0 } chosen }
            ? chosen : null;
        var values = names is null ? usual.Select(group => Values(claims.Root, group)).FirstOrDefault(found => found is not null) : Values(claims.Root, names);
        return Hash([issuer, .. values ?? [id]]);
    }

    private static List<string>? Values(JsonElement claims, IReadOnlyList<string> names)
    {
        if (names is ["kubernetes.io", "pod", "uid"]) return Pod(claims) is { } uid ? [.. names, uid] : null;
        var values = new List<string>();
        foreach (var name in names)
        {
            if (!claims.TryGetProperty(name, out var value)
                || value.ValueKind is not (JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False))
                return null;
            values.AddRange([name, value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText()]);
        }
        return values;
    }

    private static string? Pod(JsonElement claims) =>
        claims.TryGetProperty("kubernetes.io", out var kubernetes) && kubernetes.ValueKind == JsonValueKind.Object
        && kubernetes.TryGetProperty("pod", out var pod)
        && pod.ValueKind == JsonValueKind.Object && pod.TryGetProperty("uid", out var uid) && uid.ValueKind == JsonValueKind.String ? uid.GetString() : null;

    private static string Hash(IEnumerable<string> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts) text.Append(part.Length).Append(':').Append(part);
        return Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, HashSize));
    }
}
