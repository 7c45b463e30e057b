using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.PolicyDelivery.Hosted;

internal enum GitOperation
{
    /// <summary><c>GET …/info/refs?service=…</c></summary>
    Advertise,
    /// <summary><c>POST …/git-upload-pack</c>: clone and fetch.</summary>
    UploadPack,
    /// <summary><c>POST …/git-receive-pack</c>: push.</summary>
    ReceivePack,
    /// <summary><c>POST …/webhook</c></summary>
    Webhook,
}

/// <summary>
/// One of git's paths: at the server's root (no upstream, no id: the caller's token picks the context) or under <c>/_rbac/&lt;Upstream&gt;/&lt;actx&gt;</c>.
/// The id is opaque and stands here as it was written, with a final <c>.git</c> if there was one.
/// </summary>
internal sealed record GitPath(GitOperation Operation, string? Upstream, string? Id)
{
    private const string Prefix = "/_rbac/";
    private const string Suffix = ".git";

    private static readonly (string Name, GitOperation Operation)[] operations =
        [("/info/refs", GitOperation.Advertise), ("/git-upload-pack", GitOperation.UploadPack), ("/git-receive-pack", GitOperation.ReceivePack),
            ("/webhook", GitOperation.Webhook)];

    /// <summary>The id without a final <c>.git</c>; the same as <see cref="Id"/> where there is none.</summary>
    public string? IdWithoutSuffix => Id is { } id && id.Length > Suffix.Length && id.EndsWith(Suffix, StringComparison.Ordinal) ? id[..^Suffix.Length] : Id;

    public string Allow => Operation == GitOperation.Advertise ? "GET" : "POST";

    /// <summary>Takes the canonical, decoded path. Exact and ordinal.</summary>
    public static bool TryParse(string path, [NotNullWhen(true)] out GitPath? git)
    {
        git = null;
        foreach (var (name, operation) in operations)
        {
            if (!path.EndsWith(name, StringComparison.Ordinal)) continue;
            var rest = path.AsSpan(0, path.Length - name.Length);
            if (rest.IsEmpty && operation != GitOperation.Webhook)
            {
                git = new GitPath(operation, null, null);
                return true;
            }
            if (!rest.StartsWith(Prefix, StringComparison.Ordinal)) return false;
            rest = rest[Prefix.Length..];
            var slash = rest.IndexOf('/');
            if (slash <= 0 || slash == rest.Length - 1) return false;
            git = new GitPath(operation, rest[..slash].ToString(), rest[(slash + 1)..].ToString());
            return true;
        }
        return false;
    }
}
