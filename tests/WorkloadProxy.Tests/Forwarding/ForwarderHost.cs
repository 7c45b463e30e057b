using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using WorkloadProxy.Audit;
using WorkloadProxy.Configuration;
using WorkloadProxy.Credentials;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Storage;
using WorkloadProxy.Tokens;
using Yarp.ReverseProxy.Forwarder;

namespace WorkloadProxy.Tests.Forwarding;

/// <summary>
/// A web server in front of the forwarder alone, for kinds of credentials, addresses and interceptors that a test makes up. Everything is permitted.
/// </summary>
internal sealed class ForwarderHost : IAsyncDisposable
{
    public static readonly AuthContext Context = new("Test", "acme");

    private readonly WebApplication web;
    private readonly AuditLog audit;
    private readonly TemporaryDirectory directory;

    private ForwarderHost(WebApplication web, AuditLog audit, TemporaryDirectory directory) => (this.web, this.audit, this.directory) = (web, audit, directory);

    public HttpClient Client { get; private set; } = null!;

    public static async Task<ForwarderHost> StartAsync(Uri? address, IContextCredential credential, UpstreamParts? parts = null,
        Func<string, string>? target = null)
    {
        var time = TimeProvider.System;
        var directory = new TemporaryDirectory();
        var upstreamOptions = new UpstreamOptions { Name = Context.Upstream, Kind = UpstreamKind.Http, Address = address };
        var options = new ProxyOptions
        {
            PublicUrl = "http://proxy.test",
            DataDirectory = directory.Path,
            Upstreams = new Dictionary<string, UpstreamOptions> { [Context.Upstream] = upstreamOptions },
            Audit = new AuditOptions(Path.Combine(directory.Path, "audit.jsonl")),
        };
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddHttpForwarder();
        var web = builder.Build();
        var audit = new AuditLog(options, TimeProvider.System, NullLogger<AuditLog>.Instance);
        var open = new OpenRequests((Caller caller, in AccessRequest _, bool _) => caller, time, NullLogger<OpenRequests>.Instance);
        var forwarder = new Forwarder(web.Services.GetRequiredService<IHttpForwarder>(), audit, options, open, time, _ => parts ?? UpstreamParts.None);
        web.Lifetime.ApplicationStopped.Register(forwarder.Dispose);
        web.Lifetime.ApplicationStopped.Register(open.Dispose);
        web.Run(http => AnswerAsync(http, forwarder, credential, target ?? (path => path)));
        await web.StartAsync();
        return new ForwarderHost(web, audit, directory) { Client = new HttpClient { BaseAddress = new Uri(web.Urls.Single()) } };
    }

    private static async Task AnswerAsync(HttpContext http, Forwarder forwarder, IContextCredential credential, Func<string, string> target)
    {
        var record = new RequestRecord
            { Time = TimeProvider.System.GetUtcNow(), Started = TimeProvider.System.GetTimestamp(), RequestId = "0123456789abcdef0123456789abcdef" };
        if (await SendAsync(http, forwarder, credential, record, target) is not { } failure) return;
        http.Response.Clear();
        await ErrorResponse.From(failure).WriteAsync(http, record.RequestId!);
    }

    private static async Task<Failure?> SendAsync(HttpContext http, Forwarder forwarder, IContextCredential credential, RequestRecord record,
        Func<string, string> target)
    {
        var token = new VerifiedToken { Context = Context, Claims = null!, Issuer = "i", Subject = "s", IsOwn = true, Expires = DateTimeOffset.MaxValue,
            RevocationIds = [] };
        var upstream = forwarder.Find(Context.Upstream)!;
        var path = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var interception = default(Interception);
        if (upstream.FindInterceptor(http.Request.Method, path) is { } interceptor)
        {
            interception = await interceptor.BeginAsync(new InterceptedRequest(http, record, upstream.Options, null), http.RequestAborted);
            if (interception.Refused is { } refused) return refused;
        }
        if (!(await upstream.FindOriginAsync(Context, path, http.RequestAborted)).Succeeded(out var origin, out var noAddress)) return noAddress;
        var request = new ForwardedRequest
        {
            Upstream = upstream,
            Origin = origin,
            Target = target(path),
            RequestId = record.RequestId!,
            Caller = new Caller(token, null!, ""),
            Source = credential,
            Interception = interception,
        };
        if (await Forwarder.PrepareAsync(http, request) is { } notPrepared) return notPrepared;
        return await forwarder.SendAsync(http, request, record);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await web.DisposeAsync();
        await audit.DisposeAsync();
        directory.Dispose();
    }
}
