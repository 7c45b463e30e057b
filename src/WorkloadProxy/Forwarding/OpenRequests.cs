using WorkloadProxy.Requests;

namespace WorkloadProxy.Forwarding;

/// <summary>
/// The requests that are with an upstream now. Each second they are all looked at, and those that may not go on are ended. One timer for all, and for a request
/// that is over by then no more than being linked into a list: the sources that would cancel it are used again.
/// </summary>
internal sealed class OpenRequests : IDisposable
{
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(1);

    private readonly MayGoOn mayGoOn;
    private readonly ILogger<OpenRequests> logger;
    private readonly OpenLane[] lanes;
    private readonly List<ForwardedRequest> looked = [];
    private readonly ITimer timer;
    private int looking;

    /// <param name="mayGoOn">Whether a request may go on.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of a request that can't be decided.</param>
    public OpenRequests(MayGoOn mayGoOn, TimeProvider time, ILogger<OpenRequests> logger)
    {
        (this.mayGoOn, this.logger) = (mayGoOn, logger);
        lanes = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new OpenLane())];
        timer = time.CreateTimer(_ => Look(), null, interval, interval);
    }

    /// <summary>From here until <see cref="Remove"/> it may be ended, by the token that it then has.</summary>
    public void Add(ForwardedRequest request) => lanes[(uint)Environment.CurrentManagedThreadId % (uint)lanes.Length].Add(request);

    public static void Remove(ForwardedRequest request) => request.Lane!.Remove(request);

    public void Dispose() => timer.Dispose();

    private void Look()
    {
        // one that takes longer than the interval is not joined by another
        if (Interlocked.Exchange(ref looking, 1) == 1) return;
        foreach (var lane in lanes) lane.CopyTo(looked);
        foreach (var request in looked)
        {
            if (WhyNot(request) is not { } reason) continue;
            // what is cancelled runs elsewhere: one that takes its time, or throws, must not keep the others going
            if (request.Lane is { } lane && lane.TryEnd(request, reason)) _ = request.Ending!.CancelAsync();
        }
        looked.Clear();
        Volatile.Write(ref looking, 0);
    }

    private Failure? WhyNot(ForwardedRequest request)
    {
        try
        {
            var caller = request.Admitted ?? request.Caller!;
            var again = request.MayGoOn?.Invoke(caller) ?? mayGoOn(caller, request.Asked, request.EndsWithToken);
            if (!again.Succeeded(out var admitted, out var failure))
                return failure with { Message = $"{failure.Message}; the request was under way and has been ended" };
            request.Admitted = admitted;
            return null;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // a bug: on a timer it would end the process, and what can't be decided is refused
            logger.LogError(error, "request {RequestId} could not be decided again, and is ended", request.RequestId);
            return new Failure(ErrorId.PolicyUnavailable, "the request can't be decided");
        }
    }
}
