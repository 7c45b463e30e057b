using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Polly;
using Polly.Retry;

namespace WorkloadProxy.Outbound;

/// <summary>How far the address of a fetch is trusted.</summary>
internal enum FetchTrust
{
    /// <summary>Anyone may have named it: https on a public address, checked when connecting; no HTTP proxy.</summary>
    Public,
    /// <summary>The operator named it: any address, and http on loopback and in the cluster.</summary>
    Listed,
    /// <summary>The same, and no HTTP proxy lies between.</summary>
    ListedDirect,
}

/// <summary>What a fetch brought: the content, or why there is none. <paramref name="Transient"/>: another attempt may fare better.</summary>
internal readonly record struct Fetched(byte[]? Content, string? Error, bool Transient = false);

/// <summary>What a call came to. <paramref name="Error"/> says why there is no answer (status 0), or none that can be read.</summary>
internal readonly record struct Answered(int Status, byte[] Content, HttpResponseHeaders? Headers, string? Error, bool TimedOut = false);

/// <summary>
/// The one HTTP client of documents that others publish and of APIs that the operator named. Bounded in size and time; no cookies, no compression, no redirect
/// to another origin.
/// </summary>
internal sealed class BoundedFetch : IDisposable
{
    public const int MaxBytes = 512 * 1024;
    private const int MaxRedirects = 3;
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(4);

    private readonly TimeProvider time;
    private readonly HttpMessageInvoker publicOnly;
    private readonly HttpMessageInvoker listed;
    private readonly HttpMessageInvoker direct;
    private readonly ConcurrentDictionary<(string CaFile, bool OnLoopback), HttpMessageInvoker> byAuthorities = new();

    public BoundedFetch(TimeProvider time, ResolveName? resolve = null)
    {
        this.time = time;
        var guard = new PublicConnection(resolve ?? ((name, cancellationToken) => Dns.GetHostAddressesAsync(name, cancellationToken)));
        var guarded = NewHandler();
        guarded.UseProxy = false;
        // a server that anyone may have named gets no more; one that the operator named is asked about many tokens at once
        guarded.MaxConnectionsPerServer = 4;
        guarded.ConnectCallback = guard.ConnectAsync;
        publicOnly = new HttpMessageInvoker(guarded);
        listed = new HttpMessageInvoker(NewHandler());
        // an HTTP proxy's loopback is another machine's
        var withoutProxy = NewHandler();
        withoutProxy.UseProxy = false;
        direct = new HttpMessageInvoker(withoutProxy);
    }

    /// <summary>Made by the first use: most servers never ask, and Polly is not small.</summary>
    private ResiliencePipeline<Fetched> Pipeline => field ??= new ResiliencePipelineBuilder<Fetched> { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions<Fetched>
        {
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is null && arguments.Outcome.Result.Transient),
            MaxRetryAttempts = 2,
            Delay = TimeSpan.FromMilliseconds(150),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
        })
        .Build();

    /// <summary>The document at <paramref name="address"/>, retried where that may help. Throws only when cancelled.</summary>
    public async Task<Fetched> GetAsync(Uri address, FetchTrust trust, CancellationToken cancellationToken, FetchAccess? access = null) =>
        await Pipeline.ExecuteAsync(token => AttemptAsync(address, trust, access, token), cancellationToken);

    /// <summary>
    /// One call with a credential, tried once. Whatever status comes is the answer, a redirect's too: the credential is for this address and goes nowhere else.
    /// Throws only when cancelled.
    /// </summary>
    public async Task<Answered> SendAsync(HttpRequestMessage request, FetchTrust trust, CancellationToken cancellationToken, TimeSpan? patience = null,
        string? caFile = null)
    {
        var address = request.RequestUri!;
        if (!IsAcceptable(address, trust)) return new(0, [], null, Unacceptable(address, trust));
        var longest = patience ?? AttemptTimeout;
        using var timeout = new CancellationTokenSource(longest, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            using var response = await InvokerFor(address, trust, caFile).SendAsync(request, both.Token);
            var read = await ReadAsync(address, response.Content, both.Token);
            return new((int)response.StatusCode, read.Content ?? [], response.Headers, read.Error);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(0, [], null, $"`{address}` did not answer in {longest.TotalSeconds:0} s", TimedOut: true);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            return new(0, [], null, $"`{address}`: {Reason(e)}");
        }
    }

    public void Dispose()
    {
        publicOnly.Dispose();
        listed.Dispose();
        direct.Dispose();
        foreach (var invoker in byAuthorities.Values) invoker.Dispose();
    }

    private static SocketsHttpHandler NewHandler() => new()
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        MaxConnectionsPerServer = 64,
        MaxResponseHeadersLength = 32,
        // what lies beyond the cap is not even read to keep the connection
        MaxResponseDrainSize = 0,
    };

    /// <summary>Connections that other authorities vouched for are kept apart.</summary>
    private HttpMessageInvoker InvokerFor(Uri address, FetchTrust trust, string? caFile) =>
        caFile is null ? InvokerFor(address, trust) : byAuthorities.GetOrAdd((caFile, NetworkPlace.IsLoopback(address)), static key =>
    {
        var handler = NewHandler();
        handler.UseProxy = !key.OnLoopback;
        handler.SslOptions = new ServerTrust(key.CaFile, host: null).NewOptions();
        return new HttpMessageInvoker(handler);
    });

    private HttpMessageInvoker InvokerFor(Uri address, FetchTrust trust) =>
        trust == FetchTrust.Public ? publicOnly : trust == FetchTrust.ListedDirect || NetworkPlace.IsLoopback(address) ? direct : listed;

    private async ValueTask<Fetched> AttemptAsync(Uri address, FetchTrust trust, FetchAccess? access, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(AttemptTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await FollowAsync(address, trust, access, both.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(null, $"`{address}` did not answer in {AttemptTimeout.TotalSeconds:0} s", Transient: true);
        }
        catch (HttpRequestException e) when (e.InnerException is PublicConnection.RefusedException refused)
        {
            return new(null, refused.Message);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            return new(null, $"`{address}`: {Reason(e)}", Transient: true);
        }
    }

    private async Task<Fetched> FollowAsync(Uri address, FetchTrust trust, FetchAccess? access, CancellationToken cancellationToken)
    {
        for (var redirects = 0; ; redirects++)
        {
            if (!IsAcceptable(address, trust)) return new(null, Unacceptable(address, trust));
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            // a Kubernetes API server answers 406 to whoever asks for its keys without naming their own type (RFC 7517 §8.5.2)
            request.Headers.TryAddWithoutValidation("Accept", "application/jwk-set+json, application/json");
            request.Headers.UserAgent.ParseAdd("workload-proxy");
            if (access?.TokenFile is { } file && SameOrigin(address, access.Origin))
            {
                if (!FetchAccess.TryReadToken(file, out var token, out var problem)) return new(null, problem);
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
            }
            using var response = await InvokerFor(address, trust, access?.CaFile).SendAsync(request, cancellationToken);
            var status = (int)response.StatusCode;
            if (status == 200) return await ReadAsync(address, response.Content, cancellationToken);
            if (status is not (301 or 302 or 303 or 307 or 308))
                return new(null, $"`{address}` answered {status}, expected 200", Transient: status is 408 or 429 or >= 500);
            if (response.Headers.Location is not { } location) return new(null, $"`{address}` answered {status} without a `Location`");
            var next = location.IsAbsoluteUri ? location : new Uri(address, location);
            if (!SameOrigin(address, next)) return new(null, $"`{address}` redirects to another origin, `{next.GetLeftPart(UriPartial.Authority)}`");
            if (redirects == MaxRedirects) return new(null, $"`{address}` is redirected more than {MaxRedirects} times");
            address = next;
        }
    }

    private static async Task<Fetched> ReadAsync(Uri address, HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentEncoding.Any(encoding => !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase)))
            return new(null, $"`{address}` is compressed, which was not asked for");
        if (content.Headers.ContentLength > MaxBytes) return TooLarge(address);
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[Math.Clamp(content.Headers.ContentLength ?? 8192, 1, MaxBytes) + 1];
        var length = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken);
            if (read == 0) return new(buffer[..length], null);
            length += read;
            if (length > MaxBytes) return TooLarge(address);
            if (length == buffer.Length) Array.Resize(ref buffer, Math.Min(length * 2, MaxBytes + 1));
        }
    }

    private static Fetched TooLarge(Uri address) => new(null, $"`{address}` holds more than {MaxBytes} bytes");

    private static string Unacceptable(Uri address, FetchTrust trust) =>
        $"`{address}` is refused: expected https{(trust != FetchTrust.Public ? ", or http on loopback or in the cluster" : "")}";

    private static bool IsAcceptable(Uri address, FetchTrust trust) =>
        address.IsAbsoluteUri && address.UserInfo.Length == 0
        && (address.Scheme == Uri.UriSchemeHttps
            || (trust != FetchTrust.Public && address.Scheme == Uri.UriSchemeHttp && NetworkPlace.IsLoopbackOrInCluster(address)));

    private static bool SameOrigin(Uri one, Uri other) =>
        one.Scheme == other.Scheme && one.Port == other.Port && string.Equals(one.IdnHost, other.IdnHost, StringComparison.OrdinalIgnoreCase);

    /// <summary>The innermost message: the outer ones repeat the address or say "see inner exception".</summary>
    private static string Reason(Exception e)
    {
        while (e.InnerException is not null) e = e.InnerException;
        return e.Message;
    }
}
