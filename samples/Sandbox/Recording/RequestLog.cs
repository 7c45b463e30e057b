using System.Collections.Immutable;
using Microsoft.AspNetCore.Http.Features;

namespace Sandbox.Recording;

/// <summary>What a server received, in order of arrival.</summary>
public sealed class RequestLog
{
    private readonly Lock gate = new();
    private ImmutableList<RecordedRequest> all = [];
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int count;

    public IReadOnlyList<RecordedRequest> All => all;

    public void Clear()
    {
        lock (gate) all = [];
    }

    /// <summary>The first request, recorded already or still to come, that fits.</summary>
    public async Task<RecordedRequest> First(Func<RecordedRequest, bool> fits, CancellationToken cancellation = default)
    {
        while (true)
        {
            Task next;
            lock (gate)
            {
                if (all.FirstOrDefault(fits) is { } found) return found;
                next = changed.Task;
            }
            await next.WaitAsync(cancellation);
        }
    }

    /// <summary>The middleware that fills the log. Requests for the sandbox's own control paths are not part of it.</summary>
    internal async Task Record(HttpContext context, RequestDelegate next)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target.StartsWith("/_sandbox/", StringComparison.Ordinal))
        {
            await next(context);
            return;
        }
        var request = context.Request;
        var recorded = Add(number => new RecordedRequest
        {
            Number = number,
            Protocol = request.Protocol,
            Method = request.Method,
            Target = target,
            Headers = request.Headers.ToImmutableDictionary(h => h.Key, h => h.Value.Select(v => v ?? "").ToArray(), StringComparer.OrdinalIgnoreCase),
        });
        using var abort = context.RequestAborted.Register(() => recorded.End(0, aborted: true));
        request.Body = new TeeStream(request.Body, recorded);
        try
        {
            await next(context);
            if (!context.Response.HasStarted || !context.WebSockets.IsWebSocketRequest) await request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            recorded.End(context.Response.StatusCode, context.RequestAborted.IsCancellationRequested);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            recorded.End(0, aborted: true);
        }
    }

    private RecordedRequest Add(Func<int, RecordedRequest> make)
    {
        lock (gate)
        {
            var recorded = make(++count);
            all = all.Add(recorded);
            changed.SetResult();
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return recorded;
        }
    }
}
