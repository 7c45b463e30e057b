using WorkloadProxy.Requests;

namespace WorkloadProxy.Forwarding;

/// <summary>A share of the requests under way, with a lock of its own: one lock for all would be the only one that every request has to take.</summary>
internal sealed class OpenLane
{
    private const int MaxSpare = 256;

    private readonly Lock @lock = new();
    private readonly List<ForwardedRequest> open = [];
    private readonly Stack<CancellationTokenSource> spare = new();

    public void Add(ForwardedRequest request)
    {
        lock (@lock)
        {
            (request.Lane, request.PlaceInLane) = (this, open.Count);
            request.Ending = spare.TryPop(out var source) ? source : new CancellationTokenSource();
            open.Add(request);
        }
    }

    public void Remove(ForwardedRequest request)
    {
        lock (@lock)
        {
            var last = open[^1];
            (open[request.PlaceInLane], last.PlaceInLane) = (last, request.PlaceInLane);
            open.RemoveAt(open.Count - 1);
            request.Lane = null;
            // one that is being cancelled now must not be another request's by then
            if (request.EndedBecause is null && spare.Count < MaxSpare && request.Ending!.TryReset()) spare.Push(request.Ending);
        }
    }

    /// <summary>Takes note that the request is ended, unless it is over already or was ended before; its source may then be cancelled.</summary>
    public bool TryEnd(ForwardedRequest request, Failure reason)
    {
        lock (@lock)
        {
            if (request.Lane != this || request.EndedBecause is not null) return false;
            request.EndedBecause = reason;
            return true;
        }
    }

    public void CopyTo(List<ForwardedRequest> requests)
    {
        lock (@lock) requests.AddRange(open);
    }
}
