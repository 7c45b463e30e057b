using Microsoft.AspNetCore.Http.Features;
using Sandbox.AtProto.OAuth;

namespace Sandbox.AtProto;

/// <summary>Faults that were ordered for one server, in order for each path.</summary>
public sealed class AtProtoFaults(NonceSource? nonces)
{
    private readonly Lock gate = new();
    private readonly List<(string Path, AtProtoFault Fault)> ordered = [];

    /// <summary>Has the next requests to paths that begin so go wrong, one each.</summary>
    public void Order(string path, params IEnumerable<AtProtoFault> faults)
    {
        lock (gate) ordered.AddRange(faults.Select(fault => (path, fault)));
    }

    public void Clear()
    {
        lock (gate) ordered.Clear();
    }

    internal async Task Meet(HttpContext context, RequestDelegate next)
    {
        switch (Take(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget))
        {
            case null:
                await next(context);
                return;
            case AtProtoFault.Slow:
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
                return;
            case AtProtoFault.ServerError:
                await Results.Text("<h1>Internal Server Error</h1>", "text/html", statusCode: 500).ExecuteAsync(context);
                return;
            case AtProtoFault.Unavailable:
                await Xrpc.Error(503, "ServiceUnavailable", "The service is unavailable").ExecuteAsync(context);
                return;
            case AtProtoFault.TooManyRequests:
                context.Response.Headers.RetryAfter = "30";
                await Xrpc.Error(429, "RateLimitExceeded", "Rate Limit Exceeded").ExecuteAsync(context);
                return;
            case AtProtoFault.NotJson:
                await Results.Text("<!doctype html><title>Maintenance</title>", "text/html").ExecuteAsync(context);
                return;
            case AtProtoFault.Redirect:
                await Results.Redirect("https://example.com/").ExecuteAsync(context);
                return;
            case AtProtoFault.InvalidGrant:
                await OAuthEndpoints.Error(new("invalid_grant", "Invalid refresh token")).ExecuteAsync(context);
                return;
            case AtProtoFault.InvalidClientMetadata:
                await OAuthEndpoints.Error(new("invalid_client_metadata", "Unable to obtain client metadata")).ExecuteAsync(context);
                return;
            case AtProtoFault.StaleNonce:
                nonces?.Change();
                await next(context);
                return;
            case AtProtoFault.HeldAnswer:
                await Swallow(context, next);
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
                return;
            case AtProtoFault.LostAnswer:
                await Swallow(context, next);
                context.Abort();
                return;
        }
    }

    /// <summary>Does what was asked and keeps the answer back.</summary>
    private static async Task Swallow(HttpContext context, RequestDelegate next)
    {
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
        await next(context);
    }

    private AtProtoFault? Take(string target)
    {
        lock (gate)
        {
            var index = ordered.FindIndex(order => target.StartsWith(order.Path, StringComparison.OrdinalIgnoreCase));
            if (index < 0) return null;
            var fault = ordered[index].Fault;
            ordered.RemoveAt(index);
            return fault;
        }
    }
}
