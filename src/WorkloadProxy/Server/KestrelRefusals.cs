using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using WorkloadProxy.Audit;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;

namespace WorkloadProxy.Server;

/// <summary>
/// Requests that Kestrel refuses before they exist (a broken request line, two lengths): they get no body and no id, and their record is made from the server's
/// own diagnostic event.
/// </summary>
internal sealed class KestrelRefusals(AuditLog audit, TimeProvider time) : IObserver<KeyValuePair<string, object?>>
{
    private const string EventName = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    public void SubscribeTo(DiagnosticListener listener) => listener.Subscribe(this, name => name == EventName);

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Value is not IFeatureCollection features) return;
        var error = features.Get<IBadRequestExceptionFeature>()?.Error as BadHttpRequestException;
        var record = new RequestRecord
        {
            Time = time.GetUtcNow(),
            Started = time.GetTimestamp(),
            Client = ClientAddress.Text(features.Get<IHttpConnectionFeature>()?.RemoteIpAddress),
        };
        record.Fail(new Failure(ErrorId.BadRequest, $"not HTTP: {Kind(error?.Message)}"));
        record.End(error?.StatusCode ?? 400);
        // the event is raised on the connection's own loop; the queue takes the record, now or as soon as it has room
        _ = audit.CompleteAsync(record).AsTask();
    }

    /// <summary>The message up to the bytes that it quotes, which may be a token.</summary>
    private static string Kind(string? message)
    {
        if (string.IsNullOrEmpty(message)) return "the request is malformed";
        var quoted = message.IndexOfAny(['\'', '"']);
        return (quoted < 0 ? message : message[..quoted]).TrimEnd(' ', ':', '.');
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }
}
