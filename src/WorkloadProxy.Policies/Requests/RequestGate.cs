using System.Text.Json;

namespace WorkloadProxy.Policies;

/// <summary>
/// What is settled before any rule is asked. One gate for the server's own tests of a set, <c>policy test</c> and <c>policy explain</c>, so that none of them permits what the server refuses.
/// </summary>
public static class RequestGate
{
    /// <summary>What a caller is told about <c>%2F</c> where the upstream does not take it.</summary>
    public const string EncodedSlash = "the path holds an encoded `/` (`%2F`), which this upstream does not accept";

    /// <summary>Null, with the canonical target, when the rules decide.</summary>
    public static Decision? Settle(CompileOptions options, Claims claims, string method, string rawTarget, out RequestTarget? target)
    {
        var isRead = RequestTarget.TryParse(rawTarget, ContextIds.Of([options.Context]), out target, out var error, out _);
        if (isRead && OwnPaths.Public.Contains(target!.Path))
        {
            return method is "GET" or "HEAD" ? Settled(DecisionOutcome.Allow, "the proxy itself answers at this path, whoever asks: no policy is asked")
                : Settled(DecisionOutcome.MethodNotAllowed, "the proxy itself answers at this path, to GET and HEAD only: no policy is asked");
        }
        if (isRead && OwnPaths.Git.Contains(target!.Path)) return Settled(DecisionOutcome.Deny, "this path is git's at the server's root, where an API token picks the context: no policy is asked");
        if (AddressesAnother(options.Context, claims)) return Settled(DecisionOutcome.Deny, "the token is for another context");
        if (!isRead) return Settled(DecisionOutcome.BadRequest, error!);
        if (target!.HasEncodedSlash && !options.EncodedSlash) return Settled(DecisionOutcome.BadRequest, EncodedSlash);
        return OwnPaths.Refusal(options.Context, method, target) is { } refusal ? Settled(DecisionOutcome.Deny, refusal) : null;
    }

    /// <summary>Authentication sends such a token to the other context, whatever this set's roles say about <c>aud</c>.</summary>
    public static bool AddressesAnother(AuthContext context, Claims claims)
    {
        if (!claims.Root.TryGetProperty("aud", out var audience)) return false;
        var audiences = audience.ValueKind == JsonValueKind.Array ? audience.EnumerateArray().ToList() : [audience];
        return audiences.Any(item => item.ValueKind == JsonValueKind.String && AuthContext.TryParse(item.GetString(), out var other) && other != context);
    }

    private static Decision Settled(DecisionOutcome outcome, string reason) => new(outcome, null, null, reason, null);
}
