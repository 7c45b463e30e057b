using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using WorkloadProxy.Credentials;

namespace WorkloadProxy.Forwarding;

/// <summary>What the caller gets to see of an answer's status line, headers and trailers.</summary>
internal static class AnswerHeaders
{
    /// <summary>Copies those that reach the caller; whether the answer tells its length.</summary>
    public static bool Copy(HttpResponseMessage answer, HttpContext http, Credential? credential)
    {
        // the server writes it as it is: a carriage return in it would begin a header for some callers
        if (answer.ReasonPhrase is { } phrase && (phrase.AsSpan().ContainsAnyExceptInRange(' ', '~') ? "" : credential?.Redact(phrase)) is { } safe)
            http.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = safe;
        var headers = http.Response.Headers;
        var received = answer.Headers.NonValidated;
        // asked before the headers are copied: that of a content which an interceptor put in place is made by the question, and the answer would go in chunks
        var hasLength = answer.Content.Headers.ContentLength is not null;
        Copy(received, headers, credential);
        Copy(answer.Content.Headers.NonValidated, headers, credential);
        if (received.TryGetValues(HeaderNames.Connection, out var connection)) RemoveNamed(connection, headers);
        // a 204 has no body, whatever length an upstream gives it (RFC 9110 §8.6)
        if (answer.StatusCode == System.Net.HttpStatusCode.NoContent) headers.Remove(HeaderNames.ContentLength);
        // beside chunks a length is the one that can lie (RFC 9112 §6.3)
        if (hasLength && received.Contains(HeaderNames.TransferEncoding))
        {
            headers.Remove(HeaderNames.ContentLength);
            hasLength = false;
        }
        return hasLength;
    }

    public static void CopyTrailers(HttpResponseMessage answer, HttpContext http, Credential? credential)
    {
        var feature = http.Features.Get<IHttpResponseTrailersFeature>();
        if (feature is not { Trailers: { IsReadOnly: false } trailers }) return;
        foreach (var (name, values) in answer.TrailingHeaders.NonValidated)
        {
            // the server throws for a control character, with the answer under way; gRPC's are printable ASCII, and what else there is each client would read
            // in its own way
            if (IsPrintable(values)) Copy(name, values, trailers, credential);
        }
    }

    private static bool IsPrintable(HeaderStringValues values)
    {
        foreach (var value in values)
        {
            if (value.AsSpan().ContainsAnyExceptInRange(' ', '~')) return false;
        }
        return true;
    }

    private static void Copy(HttpHeadersNonValidated source, IHeaderDictionary destination, Credential? credential)
    {
        foreach (var (name, values) in source) Copy(name, values, destination, credential);
    }

    private static void Copy(string name, HeaderStringValues values, IHeaderDictionary destination, Credential? credential)
    {
        if (!HeaderHygiene.ReachesCaller(name, credential is { IsNone: false })) return;
        foreach (var value in values) destination[name] = StringValues.Concat(destination[name], credential?.Redact(value) ?? value);
    }

    /// <summary>What the upstream said of its connection alone (RFC 9110 §7.6.1); never what this server says itself.</summary>
    private static void RemoveNamed(HeaderStringValues connection, IHeaderDictionary headers)
    {
        foreach (var options in connection)
        {
            foreach (var range in options.AsSpan().Split(','))
            {
                var name = options.AsSpan(range).Trim().ToString();
                if (HeaderHygiene.MayBeHopByHop(name) && HeaderHygiene.ReachesCaller(name, hasCredential: false)) headers.Remove(name);
            }
        }
    }
}
