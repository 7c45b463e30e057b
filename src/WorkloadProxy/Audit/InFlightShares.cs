using System.Collections.Concurrent;
using System.Globalization;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Audit;

/// <summary>
/// Who may have how many requests under way at upstreams. There are as many places as the in-flight trail has slots; a context has at most half of them, users'
/// own API tokens together half and requests for public paths a quarter, and of each of these one address 1,024. Otherwise one caller with many HTTP/2 streams
/// would take every place and a descriptor each, and all others would wait.
/// </summary>
internal sealed class InFlightShares(int places)
{
    public const int MaxOfAddress = 1024;

    private readonly ConcurrentDictionary<AuthContext, InFlightShare> contexts = new();
    private readonly InFlightShare passThrough = new(places / 2);
    private readonly InFlightShare anyone = new(places / 4);
    private readonly Dictionary<string, InFlightShare> addresses = new(StringComparer.Ordinal);
    private readonly Lock gate = new();

    /// <summary>Takes a place, which the record then holds until <see cref="Leave"/>; or says why there is none.</summary>
    public Failure? Take(RequestRecord record)
    {
        if (record.Caller is { } caller) return TakeOfContext(record, caller.Token.Context);
        var (whole, what, key) = record.Outcome == RequestOutcome.Public
            ? (anyone, "for public paths", "public ") : (passThrough, "with users' API tokens", "");
        if (!whole.TryTake()) return TooMany($"{Text(whole.Most)} requests {what} are under way, which is as many as this server forwards at once");
        if (TryTakeOfAddress(record, key + FailureLimit.NetworkOf(record.Client), whole)) return null;
        whole.Leave();
        return TooMany($"this address has {Text(MaxOfAddress)} requests under way, which is as many as it may");
    }

    /// <summary>The request has ended.</summary>
    public void Leave(RequestRecord record)
    {
        if (record.Share is not { } share) return;
        record.Share = null;
        if (share.Address is not { } address)
        {
            share.Leave();
            return;
        }
        share.Whole?.Leave();
        lock (gate)
        {
            share.Leave();
            if (share.IsFree) addresses.Remove(address);
        }
    }

    private Failure? TakeOfContext(RequestRecord record, AuthContext context)
    {
        if (!contexts.TryGetValue(context, out var share)) share = contexts.GetOrAdd(context, new InFlightShare(places / 2));
        if (!share.TryTake()) return TooMany($"the context has {Text(share.Most)} requests under way, which is as many as it may");
        record.Share = share;
        return null;
    }

    private bool TryTakeOfAddress(RequestRecord record, string address, InFlightShare whole)
    {
        lock (gate)
        {
            if (!addresses.TryGetValue(address, out var share)) addresses.Add(address, share = new InFlightShare(MaxOfAddress, address, whole));
            if (!share.TryTake()) return false;
            record.Share = share;
            return true;
        }
    }

    public static Failure TooMany(string message) => new(ErrorId.TooManyRequests, message) { RetryAfter = TimeSpan.FromSeconds(1) };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
