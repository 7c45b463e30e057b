using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace WorkloadProxy.Cli.Agents;

/// <summary>
/// A request that bears the relay's own key goes to the proxy with a current token. The key keeps other users of the machine out, <c>Host</c> and <c>Origin</c>
/// the pages of a browser on it.
/// </summary>
internal sealed class TokenRelay(Uri proxy, string key, TokenFetcher tokens)
{
    private static readonly string[] keyHeaders = ["x-api-key", "api-key", "x-goog-api-key"];
    private readonly byte[] key = Encoding.UTF8.GetBytes(key);
    private readonly HttpMessageInvoker http = new(new SocketsHttpHandler
        { AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None, UseCookies = false });
    private readonly Transformer transformer = new();
    private readonly string origin = proxy.GetLeftPart(UriPartial.Path).TrimEnd('/');

    public async Task HandleAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (!IsLoopback(context.Request.Host.Host) || headers.Origin.Count > 0)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }
        if (!BearsKey(headers))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }
        try
        {
            var token = await tokens.GetAsync(fresh: false, context.RequestAborted);
            headers.Authorization = $"Bearer {token.Token}";
        }
        catch (TokenException problem)
        {
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
            await context.Response.WriteAsync(problem.Message, context.RequestAborted);
            return;
        }
        foreach (var name in keyHeaders) headers.Remove(name);
        var forwarder = context.RequestServices.GetRequiredService<IHttpForwarder>();
        await forwarder.SendAsync(context, origin, http, new ForwarderRequestConfig { ActivityTimeout = TimeSpan.FromHours(1) }, transformer);
    }

    private bool BearsKey(IHeaderDictionary headers)
    {
        var authorization = headers.Authorization.ToString();
        if (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) && IsKey(authorization[7..].Trim())) return true;
        return keyHeaders.Any(name => IsKey(headers[name].ToString()));
    }

    private bool IsKey(string text) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(text), key);

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private sealed class Transformer : HttpTransformer
    {
        private static readonly UriCreationOptions verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

        public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix,
            CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            // the proxy reads the target as it was asked for, and under its own name
            var target = httpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
            if (!target.StartsWith('/') || target.AsSpan().ContainsAnyExceptInRange('!', '~')) throw new InvalidOperationException("the target is not a path");
            proxyRequest.RequestUri = new Uri(destinationPrefix + target, verbatim);
            proxyRequest.Headers.Host = null;
            proxyRequest.Headers.Remove(HeaderNames.Cookie);
        }
    }
}
