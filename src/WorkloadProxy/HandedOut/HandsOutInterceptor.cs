using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.HandedOut;

/// <summary>Lets what is still needed for a caller live until then.</summary>
internal delegate Task HoldForCaller(Caller caller, DateTimeOffset until, CancellationToken cancellationToken);

/// <summary>Takes note of the token in an upstream's answer before the caller has it.</summary>
internal sealed class HandsOutInterceptor(string method, HandsOutOptions options, HandedOutTokens tokens, HoldForCaller hold, TimeProvider time, ILogger logger)
    : IInterceptor
{
    private const int MaxAnswer = 1024 * 1024;
    private const int MaxToken = 8 * 1024;
    private const int MaxDepth = 64;

    public string Method => method;
    public string Path => options.Path;

    public ValueTask<Interception> BeginAsync(InterceptedRequest request, CancellationToken cancellationToken)
    {
        // a token that was handed out gets no other: its end would never come
        if (request.Caller is not { } caller || request.Http.Features.Get<HandedOutToken>() is not null) return default;
        // what is compressed can't be read
        request.Http.Request.Headers.AcceptEncoding = "identity";
        request.Http.Request.Headers.Remove("Grpc-Accept-Encoding");
        return new(new Interception(null, (answer, ended) => TakeAsync(request.Upstream.Name, caller, answer, ended)));
    }

    private async ValueTask<Failure?> TakeAsync(string upstream, Caller caller, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if ((int)answer.StatusCode != StatusCodes.Status200OK) return null;
        if (answer.Content.Headers.ContentEncoding.Count > 0 || answer.Content.Headers.ContentLength > MaxAnswer)
            return Unread(upstream, "it is compressed, or over 1 MiB");
        try
        {
            await answer.Content.LoadIntoBufferAsync(MaxAnswer, cancellationToken);
        }
        catch (HttpRequestException)
        {
            // too long, or broken off: what is read of it can't go on
            return new Failure(ErrorId.UpstreamUnreachable, $"upstream `{upstream}` sent an answer that should hold a token and can't be read");
        }
        var content = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        if (Read(content, answer.Content.Headers.ContentType?.MediaType) is not { Length: > 0 and <= MaxToken } token || token.Any(c => c is <= ' ' or > '~'))
            return Unread(upstream, $"it has no `{options.Token}`");
        var ends = time.GetUtcNow() + options.Lifetime;
        await hold(caller, ends, cancellationToken);
        return await tokens.AddAsync(token, upstream, caller, ends, cancellationToken);
    }

    private string? Read(byte[] content, string? mediaType)
    {
        if (ProtobufMessage.FieldOf(options.Token) is { } field)
        {
            var isGrpc = mediaType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;
            // a message behind a byte that says whether it is compressed and four of its length
            if (isGrpc && (content.Length < 5 || content[0] != 0)) return null;
            return ProtobufMessage.Text(isGrpc ? content.AsSpan(5) : content, field);
        }
        if (!StrictJson.TryParseObject(content, MaxDepth, out var json, out _)) return null;
        using var document = json;
        return json.RootElement.TryGetProperty(options.Token, out var token) && token.ValueKind == JsonValueKind.String ? token.GetString() : null;
    }

    /// <summary>It goes on all the same: without a token in it that the proxy knows, nothing passes.</summary>
    private Failure? Unread(string upstream, string why)
    {
        logger.LogWarning("an answer of {Upstream} at {Path} hands no token out: {Reason}", upstream, options.Path, why);
        return null;
    }
}
