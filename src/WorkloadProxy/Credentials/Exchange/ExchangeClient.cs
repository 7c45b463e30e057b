using System.Net.Http.Headers;
using System.Net.Mime;
using System.Text.Json;
using WorkloadProxy.Configuration;
using WorkloadProxy.Outbound;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials.Exchange;

/// <summary>What the upstream answered to <c>Create</c>.</summary>
internal sealed record CreatedToken(string Token, string? Id);

/// <summary>The two calls of an exchange: JSON, with the parent credential as bearer.</summary>
internal sealed class ExchangeClient(BoundedFetch fetch, UpstreamOptions upstream, ExchangeOptions options, IContextCredential parent)
{
    private const int MaxDepth = 32;
    private const int MaxToken = 8 * 1024;
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10);

    /// <summary>Sent once: nothing says that a credential which was made twice is the same one.</summary>
    public async Task<Result<CreatedToken>> CreateAsync(CredentialUse use, IReadOnlyDictionary<string, string> values, CancellationToken cancellationToken)
    {
        if (!(await SendAsync(use, options.Create, values, cancellationToken)).Succeeded(out var called, out var failure)) return failure;
        var answer = called.Answer;
        if (answer.Error is { } error) return Failed($"`Create` failed: {error}");
        if (answer.Status is not (200 or 201)) return Failed($"`Create` was answered with {answer.Status}");
        if (!StrictJson.TryParseObject(answer.Content, MaxDepth, out var json, out var fault)) return Failed($"the answer to `Create` {fault}");
        using var document = json;
        if (Text(json, options.Token) is not { Length: > 0 and <= MaxToken } token || token.Any(c => c is <= ' ' or > '~'))
            return Failed($"the answer to `Create` has no `{options.Token}` that is valid in a header");
        var id = options.Id is null ? null : Text(json, options.Id);
        return options.Id is not null && string.IsNullOrEmpty(id) ? Failed($"the answer to `Create` has no `{options.Id}`") : new CreatedToken(token, id);
    }

    /// <summary>Null when the credential is gone, and it is too when the upstream doesn't know it; else why not.</summary>
    public async Task<string?> DeleteAsync(CredentialUse use, IReadOnlyDictionary<string, string> values, CancellationToken cancellationToken)
    {
        if (!(await SendAsync(use, options.Delete, values, cancellationToken)).Succeeded(out var called, out var failure)) return failure.Reason;
        return called.Answer.Error ?? (called.Answer.Status is >= 200 and < 300 or 404 ? null : $"`Delete` was answered with {called.Answer.Status}");
    }

    private async Task<Result<Called>> SendAsync(CredentialUse use, ExchangeCall call, IReadOnlyDictionary<string, string> values,
        CancellationToken cancellationToken)
    {
        if (!(await parent.GetAsync(new CredentialUse(use.Context), cancellationToken)).Succeeded(out var credential, out var unavailable)) return unavailable;
        var missing = call.Names.FirstOrDefault(name => !values.ContainsKey(name));
        if (missing is not null || call.Path.Fill(values.GetValueOrDefault, Uri.EscapeDataString) is not { } path)
            return Failed($"`{{{missing}}}` has no value: no role that matches names it in `credential`");
        // an id of `..` would climb out of the path that the operator wrote
        if (path.Split('/').Any(segment => segment is "." or "..")) return Failed("a path with a `.` or `..` segment");
        using var request = new HttpRequestMessage(HttpMethod.Post, upstream.Address!.AbsoluteUri.TrimEnd('/') + path)
        {
            Version = upstream.HttpVersion,
            VersionPolicy = upstream.HttpVersion.Major == 2 ? HttpVersionPolicy.RequestVersionExact : HttpVersionPolicy.RequestVersionOrLower,
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(call.Body.ToDictionary(member => member.Key,
                member => member.Value.Fill(values.GetValueOrDefault)))),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypeNames.Application.Json);
        request.Headers.Accept.ParseAdd(MediaTypeNames.Application.Json);
        request.Headers.UserAgent.ParseAdd("workload-proxy");
        foreach (var header in credential.Headers) request.Headers.TryAddWithoutValidation(header.Name, header.Value.Reveal());
        return new Called(await fetch.SendAsync(request, FetchTrust.Listed, cancellationToken, patience));
    }

    private static string? Text(JsonDocument json, string name) => !json.RootElement.TryGetProperty(name, out var member) ? null
        : member.ValueKind == JsonValueKind.String ? member.GetString() : member.ValueKind == JsonValueKind.Number ? member.GetRawText() : null;

    private static Failure Failed(string why) => CredentialStore.Unavailable(why);

    private sealed record Called(Answered Answer);
}
