using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Endpoints;

/// <summary>What the operator lets anyone read (<c>Public</c>): documents, and paths of upstreams.</summary>
internal sealed class PublicPaths(IReadOnlyList<PublicPathOptions> paths, TimeProvider time, ILogger<PublicPaths> logger)
{
    private const string Read = "GET, HEAD";

    private readonly (PublicPathOptions Path, PublicFile? File)[] paths =
        [.. paths.Select(path => (path, path.File is { } file ? new PublicFile(file, time, logger) : null))];

    /// <summary>The entry for a canonical path, or null. No two match the same one.</summary>
    public PublicPathOptions? Find(string path)
    {
        foreach (var (entry, _) in paths)
        {
            if (entry.Path.Matches(path)) return entry;
        }
        return null;
    }

    /// <summary>Answers with the document of <paramref name="path"/>.</summary>
    public Failure? Answer(PublicPathOptions path, HttpContext http, RequestRecord record)
    {
        if (!IsRead(http.Request.Method)) return new Failure(ErrorId.MethodNotAllowed, $"expected {Read}") { Allow = Read };
        var document = path.Document ?? Array.Find(paths, entry => ReferenceEquals(entry.Path, path)).File!.Current();
        http.Response.Headers.CacheControl = "public, max-age=300";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        record.Permit(RequestOutcome.Public);
        record.Reply(200, "application/json", document);
        return null;
    }

    /// <summary>The methods that need no token; with any other, a path of an upstream is like all its paths.</summary>
    public static bool IsRead(string method) => method is "GET" or "HEAD";
}
