using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace WorkloadProxy.Policies;

/// <summary>
/// What is settled before any rule is asked. One gate for the server, its own tests of a set, <c>policy test</c> and <c>policy explain</c>, so that none of the
/// others permits what the server refuses.
/// </summary>
public static class RequestGate
{
    private const string EncodedSlash = "the path holds an encoded `/` (`%2F`), which this upstream does not take";

    /// <summary>Reads a target; false, with what the caller is told, for one that no upstream may get (400, or 414 when it is too long).</summary>
    /// <param name="rawTarget">As it came.</param>
    /// <param name="ids">Of the contexts that there are.</param>
    /// <param name="encodedSlash">Whether some upstream takes <c>%2F</c> inside a segment.</param>
    /// <param name="target">In the form that everything decides on and forwards; also of one that was refused for an encoded slash.</param>
    /// <param name="error">Why it is refused.</param>
    /// <param name="tooLong">414, and not 400.</param>
    public static bool TryRead(
        string rawTarget, ContextIds ids, bool encodedSlash,
        [NotNullWhen(true)] out RequestTarget? target, [NotNullWhen(false)] out string? error, out bool tooLong)
    {
        if (RequestTarget.TryParse(rawTarget, ids, out target, out error, out tooLong)) error = SlashRefusal(target, encodedSlash);
        return error is null;
    }

    /// <summary>Why an upstream that does or does not take <c>%2F</c> is not sent the target; null when it is.</summary>
    public static string? SlashRefusal(RequestTarget target, bool encodedSlash) => target.HasEncodedSlash && !encodedSlash ? EncodedSlash : null;

    /// <summary>Null, with the canonical target, when the rules decide.</summary>
    public static Decision? Settle(CompileOptions options, Claims claims, string method, string rawTarget, out RequestTarget? target)
    {
        var isRead = TryRead(rawTarget, ContextIds.Of([options.Context]), options.EncodedSlash, out target, out var error, out _);
        if (isRead && OwnPaths.Find(target!.Path) is { } own && Settle(own, method) is { } settled) return settled;
        if (AddressesAnother(options.Context, claims)) return Settled(DecisionOutcome.Deny, "the token is for another context");
        if (!isRead) return Settled(DecisionOutcome.BadRequest, error!);
        return OwnPaths.Refusal(options.Context, method, target!) is { } refusal ? Settled(DecisionOutcome.Deny, refusal) : null;
    }

    /// <summary>Authentication sends such a token to the other context, whatever this set's roles say about <c>aud</c>.</summary>
    public static bool AddressesAnother(AuthContext context, Claims claims)
    {
        if (!claims.Root.TryGetProperty("aud", out var audience)) return false;
        var audiences = audience.ValueKind == JsonValueKind.Array ? audience.EnumerateArray().ToList() : [audience];
        return audiences.Any(item => item.ValueKind == JsonValueKind.String && AuthContext.TryParse(item.GetString(), out var other) && other != context);
    }

    private static Decision? Settle(OwnPath own, string method) => own.Kind switch
    {
        OwnPathKind.Exchange => null,
        OwnPathKind.Git => Settled(DecisionOutcome.Deny, "this path is git's at the server's root, where an API token picks the context: no policy is asked"),
        _ when !own.Takes(method) => Settled(
            DecisionOutcome.MethodNotAllowed,
            $"the proxy itself answers at this path, to {own.MethodsText} only: no policy is asked"),
        OwnPathKind.Document => Settled(DecisionOutcome.Allow, "the proxy itself answers at this path, whoever asks: no policy is asked"),
        // whether it is granted what it asks for is not known here
        _ => Settled(DecisionOutcome.Deny,
            $"the proxy itself answers at this path, by what comes with the request: for an exchange ask about `{OwnPaths.Issue}`"),
    };

    private static Decision Settled(DecisionOutcome outcome, string reason) => new(outcome, null, null, reason, null);
}
