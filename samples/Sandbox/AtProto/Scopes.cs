using System.Web;

namespace Sandbox.AtProto;

/// <summary>What an OAuth session may do. A scope that the server doesn't know is dropped without a word, as real servers do.</summary>
internal static class Scopes
{
    private static readonly string[] kinds = ["repo", "blob", "rpc", "account", "identity"];

    public static IReadOnlyList<string> Granted(IEnumerable<string> asked) => [.. asked.Where(IsKnown).Distinct()];

    public static bool MayWrite(IReadOnlyList<string> scopes, string action, string collection) => scopes.Contains("transition:generic") || scopes.Any(scope =>
    {
        var (kind, positional, parameters) = Parse(scope);
        if (kind != "repo") return false;
        var collections = positional is not null ? [positional] : parameters.GetValues("collection") ?? [];
        return (collections.Contains("*") || collections.Contains(collection))
            && (parameters.GetValues("action") is not { } actions || actions.Contains(action));
    });

    public static bool MayUpload(IReadOnlyList<string> scopes, string type) => scopes.Contains("transition:generic") || scopes.Any(scope =>
    {
        var (kind, positional, parameters) = Parse(scope);
        if (kind != "blob") return false;
        var types = positional is not null ? [positional] : parameters.GetValues("accept") ?? [];
        return types.Any(pattern => pattern == "*/*" || pattern == type
            || (pattern.EndsWith("/*", StringComparison.Ordinal) && type.StartsWith(pattern[..^1], StringComparison.Ordinal)));
    });

    private static bool IsKnown(string scope)
    {
        if (scope is "atproto" or "transition:generic" or "transition:email" or "transition:chat.bsky") return true;
        var (kind, positional, parameters) = Parse(scope);
        return kinds.Contains(kind) && (positional is { Length: > 0 } || parameters.Count > 0);
    }

    private static (string Kind, string? Positional, System.Collections.Specialized.NameValueCollection Parameters) Parse(string scope)
    {
        var question = scope.IndexOf('?');
        var head = question < 0 ? scope : scope[..question];
        var colon = head.IndexOf(':');
        return (colon < 0 ? head : head[..colon], colon < 0 ? null : head[(colon + 1)..],
            HttpUtility.ParseQueryString(question < 0 ? "" : scope[(question + 1)..]));
    }
}
