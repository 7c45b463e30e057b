using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.Serving;

/// <summary>How the program ends, and what is there afterwards.</summary>
public sealed class ProcessTests
{
    [Fact]
    public async Task After_a_kill_under_load_every_request_that_the_upstream_saw_has_its_one_line_and_keys_and_revocations_are_kept()
    {
        await using var proxy = await StoppedAsync();
        var (configuration, address) = ServedProcess.Configure(proxy);
        var identity = proxy.IdentityToken();
        string revoked;
        string keys;
        await using (var process = ServedProcess.Start(configuration))
        {
            await process.ReadyAsync(address);
            using var http = new HttpClient { BaseAddress = address };
            revoked = proxy.IdentityToken();
            Assert.True((await http.PostAsync("/v1/oidc/revoke", new FormUrlEncodedContent([new("token", revoked)]))).IsSuccessStatusCode);
            keys = await http.GetStringAsync("/.well-known/jwks");
            // one that is in flight for certain
            var hanging = GetAsync(http, "/v2/slow", identity);
            await proxy.Sandbox.Requests.First(request => request.Target == "/v2/slow");
            var load = Enumerable.Range(0, 16).Select(_ => LoadAsync(http, identity)).ToList();
            await proxy.Sandbox.Requests.First(request => request.Number == 400);

            await process.KillAsync();

            await Task.WhenAll(load);
            await Assert.ThrowsAsync<HttpRequestException>(() => hanging);
        }
        var seen = proxy.Sandbox.Requests.All.Select(request => request.Header("X-Request-Id")!).ToList();

        await using var again = ServedProcess.Start(configuration);
        await again.ReadyAsync(address);

        using var after = new HttpClient { BaseAddress = address };
        Assert.Equal(keys, await after.GetStringAsync("/.well-known/jwks"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(after, "/v2/echo/a", revoked)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(after, "/v2/echo/a", identity)).StatusCode);
        var lines = (await File.ReadAllLinesAsync(proxy.AuditFile)).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        var audited = lines.Where(line => line.TryGetProperty("request_id", out _)).ToLookup(line => line.GetProperty("request_id").GetString()!);
        Assert.DoesNotContain(seen, id => audited[id].Count() != 1);
        var slow = Assert.Single(lines, line => line.TryGetProperty("path", out var path) && path.GetString() == "/v2/slow");
        Assert.Equal(("process ended", "allow", "repo:org/repo:ref:refs/heads/main"),
            (slow.GetProperty("reason").GetString(), slow.GetProperty("decision").GetString(), slow.GetProperty("sub").GetString()));
        var everything = await File.ReadAllTextAsync(proxy.AuditFile);
        foreach (var secret in new[] { identity.Split('.')[2], proxy.Sandbox.Options.TeamToken }) Assert.DoesNotContain(secret, everything);
    }

    [Fact]
    public async Task An_HTTP_proxy_of_the_environment_is_not_asked_for_what_lies_on_loopback()
    {
        await using var proxy = await StoppedAsync();
        var (configuration, address) = ServedProcess.Configure(proxy);
        await using var process = ServedProcess.Start(configuration, ("http_proxy", "http://127.0.0.1:9"), ("https_proxy", "http://127.0.0.1:9"));
        await process.ReadyAsync(address);
        using var http = new HttpClient { BaseAddress = address };

        Assert.Equal(HttpStatusCode.OK, (await GetAsync(http, "/v2/echo/a", proxy.IdentityToken())).StatusCode);
    }

    [Fact]
    public async Task SIGTERM_takes_no_new_connection_and_lets_a_request_in_flight_finish()
    {
        await using var proxy = await StoppedAsync();
        var (configuration, address) = ServedProcess.Configure(proxy);
        await using var process = ServedProcess.Start(configuration);
        await process.ReadyAsync(address);
        var release = new TaskCompletionSource();
        proxy.Sandbox.Intercept = async _ =>
        {
            await release.Task;
            return false;
        };
        using var http = new HttpClient { BaseAddress = address };
        var inFlight = GetAsync(http, "/v2/echo/slow", proxy.IdentityToken());
        await proxy.Sandbox.Requests.First(_ => true);

        process.Terminate();

        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await poll.WaitForNextTickAsync())
        {
            try
            {
                using var other = new HttpClient { BaseAddress = address };
                await other.GetAsync("/health/live");
            }
            catch (HttpRequestException)
            {
                break;
            }
        }
        release.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await inFlight).StatusCode);
        Assert.Equal(0, (await process.EndAsync()).Code);
        Assert.Contains(await proxy.AuditAsync(2), line => line.GetProperty("path").GetString() == "/v2/echo/slow"
            && line.GetProperty("status").GetInt32() == 200);
    }

    [Fact]
    public async Task SIGTERM_ends_a_server_that_still_waits_for_its_store()
    {
        await using var proxy = await StoppedAsync();
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var (configuration, _) = ServedProcess.Configure(proxy, $"postgres://proxy:p@127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/x?connect_timeout=60");
        await File.WriteAllTextAsync(configuration, (await File.ReadAllTextAsync(configuration))
            .Replace("\"MasterKey\": {", "\"MasterKey\": { \"EnvironmentVariable\": \"KEY\",", StringComparison.Ordinal));
        await using var process = ServedProcess.Start(configuration, ("KEY", Convert.ToBase64String(new byte[32])));
        using var store = await silent.AcceptTcpClientAsync(TestContext.Current.CancellationToken);

        process.Terminate();

        Assert.Equal((0, ""), await process.EndAsync());
    }

    [Fact]
    public async Task Callers_who_leave_in_the_middle_of_a_body_leave_their_line_in_the_audit_and_none_in_the_log()
    {
        await using var proxy = await StoppedAsync();
        var (configuration, address) = ServedProcess.Configure(proxy);
        await using var process = ServedProcess.Start(configuration);
        await process.ReadyAsync(address);
        for (var i = 0; i < 5; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, address.Port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                "POST /v1/oidc/revoke HTTP/1.1\r\nHost: proxy.test\r\nExpect: 100-continue\r\n"
                + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntoken="));
            // it waits for the rest
            using var reader = new StreamReader(client.GetStream(), Encoding.ASCII, leaveOpen: true);
            Assert.Equal("HTTP/1.1 100 Continue", await reader.ReadLineAsync());
        }
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        List<JsonElement> left;
        do left = [.. (await proxy.AuditAsync(0)).Where(line => line.TryGetProperty("path", out var path) && path.GetString() == "/v1/oidc/revoke")];
        while (left.Count < 5 && await poll.WaitForNextTickAsync(TestContext.Current.CancellationToken));
        Assert.All(left, line => Assert.Equal(400, line.GetProperty("status").GetInt32()));

        process.Terminate();
        var (code, errors) = await process.EndAsync();

        Assert.Equal(0, code);
        Assert.DoesNotContain("ended abnormally", errors);
    }

    [Fact]
    public async Task A_second_server_on_the_directory_and_one_without_its_master_key_can_not_start()
    {
        await using var proxy = await StoppedAsync();
        var (configuration, address) = ServedProcess.Configure(proxy);
        await using (var first = ServedProcess.Start(configuration))
        {
            await first.ReadyAsync(address);
            await using var second = ServedProcess.Start(configuration);
            var (code, errors) = await second.EndAsync();
            Assert.Equal(2, code);
            Assert.Contains("is in use by another process", errors);
            first.Terminate();
            Assert.Equal(0, (await first.EndAsync()).Code);
        }
        var key = Path.Combine(proxy.Options.DataDirectory, "master.key");
        var store = Path.Combine(proxy.Options.DataDirectory, "store.db");
        var (right, before) = (await File.ReadAllTextAsync(key), await File.ReadAllBytesAsync(store));

        await File.WriteAllTextAsync(key, Convert.ToBase64String(new byte[32]));
        await using (var wrong = ServedProcess.Start(configuration)) Assert.Equal(2, (await wrong.EndAsync()).Code);
        File.Delete(key);
        await using (var lost = ServedProcess.Start(configuration)) Assert.Equal(2, (await lost.EndAsync()).Code);

        Assert.False(File.Exists(key));
        Assert.Equal(before, await File.ReadAllBytesAsync(store));
        await File.WriteAllTextAsync(key, right);
        await using var again = ServedProcess.Start(configuration);
        await again.ReadyAsync(address);
    }

    [Fact]
    public async Task A_server_whose_store_is_a_file_loads_nothing_for_PostgreSQL()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "what a process has mapped is read from /proc");
        await using var proxy = await StoppedAsync();
        var (file, address) = ServedProcess.Configure(proxy);
        await using var process = ServedProcess.Start(file);
        await process.ReadyAsync(address);
        var mapped = await File.ReadAllTextAsync($"/proc/{process.Id}/maps", TestContext.Current.CancellationToken);
        Assert.Contains("Microsoft.Data.Sqlite.dll", mapped);
        Assert.DoesNotContain("Npgsql.dll", mapped);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task When_nobody_takes_the_audit_from_standard_output_requests_are_refused_readiness_says_so_and_SIGTERM_still_ends_it(bool closed)
    {
        await using var proxy = await StoppedAsync();
        var (file, address) = ServedProcess.Configure(proxy);
        await using var process = ServedProcess.Start(file, false, [("Audit__File", "")]);
        await process.ReadyAsync(address);
        using var http = new HttpClient { BaseAddress = address };
        if (closed) process.CloseOutput();

        // a pipe that nobody reads takes 64 KiB, and a write that takes five seconds counts as failed
        var refused = 0;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (refused == 0 && !patience.IsCancellationRequested)
        {
            using var answer = await GetAsync(http, "/v2/echo/a", proxy.IdentityToken());
            if (answer.StatusCode == HttpStatusCode.OK) continue;
            refused++;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Contains("audit_unavailable", await answer.Content.ReadAsStringAsync());
        }
        Assert.Equal(1, refused);
        using var ready = await http.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("\"audit\":{\"status\":\"unavailable\"", await ready.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health/live")).StatusCode);

        process.Terminate();

        Assert.Equal(0, (await process.EndAsync()).Code);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")]
    public async Task With_default_settings_every_request_is_traced_whatever_its_caller_says(string? traceparent)
    {
        await using var proxy = await StoppedAsync();
        await using var collector = await OtlpCollector.StartAsync();
        var (file, address) = ServedProcess.Configure(proxy);
        await using var process = ServedProcess.Start(file, ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_BSP_SCHEDULE_DELAY", "100"));
        await process.ReadyAsync(address);
        using var http = new HttpClient { BaseAddress = address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/echo/traced");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", proxy.IdentityToken());
        if (traceparent is not null) request.Headers.Add("traceparent", traceparent);

        using var answer = await http.SendAsync(request);

        Assert.Contains("/v2/echo/traced", await collector.TraceWithAsync("/v2/echo/traced"));
        // the looks at readiness have lines too
        var audit = await proxy.AuditOfAsync(answer.Headers.GetValues("X-Request-Id").Single());
        if (traceparent is not null) Assert.Contains("0af7651916cd43dd8448eb211c80319c", audit.GetProperty("trace_id").GetString());
    }

    [Fact]
    public async Task A_collector_that_is_away_is_logged_once_and_the_log_tells_of_store_master_key_and_stop()
    {
        await using var proxy = await StoppedAsync();
        var (file, address) = ServedProcess.Configure(proxy);
        await using var process = ServedProcess.Start(file, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "50"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "200"));
        await process.ReadyAsync(address);
        using var http = new HttpClient { BaseAddress = address };
        // each export fails anew: by the tenth request several have
        for (var i = 0; i < 10; i++) (await GetAsync(http, "/v2/echo/a", proxy.IdentityToken())).Dispose();
        process.Terminate();
        var (code, log) = await process.EndAsync();

        Assert.Equal(0, code);
        var messages = log.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("Message").GetString()!).ToList();
        Assert.Single(messages, message => message.StartsWith("metrics or traces can't be exported", StringComparison.Ordinal));
        Assert.Single(messages, message => message.StartsWith($"data directory {proxy.Options.DataDirectory}, store ", StringComparison.Ordinal));
        Assert.Single(messages, message => message.StartsWith("made a new master key at ", StringComparison.Ordinal));
        Assert.Contains(messages, message => message.StartsWith("stopping: ", StringComparison.Ordinal));
        Assert.Equal("stopped", messages[^1]);
        Assert.DoesNotContain("\\u0060", log);
    }

    private static async Task<TestProxy> StoppedAsync()
    {
        var proxy = await TestProxy.StartAsync();
        await proxy.StopServerAsync();
        // the files that it made are another server's
        Directory.Delete(proxy.Options.DataDirectory, recursive: true);
        return proxy;
    }

    private static async Task LoadAsync(HttpClient http, string token)
    {
        try
        {
            while (true) (await GetAsync(http, "/v2/echo/load?secret=query-value", token)).Dispose();
        }
        catch (HttpRequestException)
        {
            // killed
        }
    }

    private static async Task<HttpResponseMessage> GetAsync(HttpClient http, string target, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, target);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await http.SendAsync(request);
    }
}
