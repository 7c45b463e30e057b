using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Audit;
using WorkloadProxy.Cli;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Tests.Serving;

/// <summary>the specification through the socket: one line on every exit, and never a secret.</summary>
public sealed partial class AuditTests
{
    [Fact]
    public async Task A_permitted_request_s_line_says_who_asked_for_what_and_which_rule_permitted_it()
    {
        await using var proxy = await TestProxy.StartAsync();

        var answer = await proxy.GetAsync("/v2/databases?tag_name=query-value", proxy.IdentityToken());

        var line = await proxy.AuditOfAsync(answer);
        Assert.Equal(["time", "request_id", "trace_id", "client", "context", "iss", "sub", "jti", "run", "roles", "commit", "upstream", "method", "path",
            "query", "decision", "rule", "status", "duration", "bytes"],
            line.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("DigitalOcean", "GET", "/v2/databases", "allow", 200),
            (Text("upstream"), Text("method"), Text("path"), Text("decision"), line.GetProperty("status").GetInt32()));
        Assert.Equal(["tag_name"], line.GetProperty("query").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal("""{"policy":"job","file":"policies/job.hcl","line":1}""", line.GetProperty("rule").GetRawText());
        Assert.Equal(Encoding.UTF8.GetByteCount(answer.Body), line.GetProperty("bytes").GetInt32());
        Assert.Equal("127.0.0.1", Text("client"));

        string? Text(string name) => line.GetProperty(name).GetString();
    }

    [Fact]
    public async Task After_many_kinds_of_requests_each_has_one_line_and_no_file_holds_a_secret()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.Tutorial);
        var identity = proxy.IdentityToken();
        var scoped = await proxy.ExchangeAsync(identity, "database-and-spaces-keys-access");
        var targets = new[] { "/v2/databases?tag_name=my-tag", "/v2/databases?tag_name=query-value", "/v2/echo/a?x=query-value", "/health/ready?x=query-value",
            "/", "/.well-known/jwks", "/v1/oidc/nothing", "/v2/%zz?x=query-value" };
        var tokens = new[] { identity, scoped, null, "opaque-query-value", proxy.Sandbox.Options.UserToken, "a.b.c", scoped + "x" };
        var ids = new List<string>();
        foreach (var target in targets)
        {
            foreach (var token in tokens)
            {
                var raw = await proxy.SendRawGetAsync(target, token);
                ids.Add(RequestId().Match(raw).Groups[1].Value);
            }
        }
        foreach (var body in new[] { """{"name":"body-value","grants":[]}""", "body-value", "" })
            ids.Add((await proxy.PostJsonAsync("/v2/spaces/keys", scoped, body)).Headers["X-Request-Id"]);
        ids.Add((await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/token", null,
            new FormUrlEncodedContent([new("subject_token", identity), new("scope", "body-value")]))).Headers["X-Request-Id"]);
        ids.Add((await proxy.SendAsync(HttpMethod.Post, "/v1/oidc/revoke", null, new FormUrlEncodedContent([new("token", scoped)]))).Headers["X-Request-Id"]);

        var lines = await proxy.AuditAsync(ids.Count + 1);

        Assert.Equal(ids.Order(), lines.Select(line => line.GetProperty("request_id").GetString()!).Skip(1).Order());
        await proxy.StopServerAsync();
        foreach (var file in Directory.GetFiles(proxy.Folder, "*", SearchOption.AllDirectories).Where(file => file != proxy.Options.Credentials[0].File))
        {
            var bytes = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file));
            foreach (var secret in new[] { "query-value", "body-value", proxy.Sandbox.Options.TeamToken, proxy.Sandbox.Options.UserToken,
                identity.Split('.')[2], identity.Split('.')[1], scoped.Split('.')[2], "PRIVATE KEY" })
                Assert.False(bytes.Contains(secret, StringComparison.Ordinal), $"`{secret}` stands in {file}");
        }
        await proxy.StartServerAsync();
    }

    [Fact]
    public async Task Of_a_flood_without_tokens_100_a_second_are_written_and_the_rest_counted()
    {
        // the clock stands still: all of it comes in one second
        await using var proxy = await TestProxy.StartAsync(time: new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        const int Flood = 500;

        await Task.WhenAll(Enumerable.Range(0, Flood).Select(_ => proxy.GetAsync("/v2/echo/a", null)));
        await proxy.StopServerAsync();

        var lines = await proxy.AuditAsync(2);
        var counted = lines.Select(line => Suppressed().Match(line.GetProperty("reason").GetString()!)).Where(match => match.Success)
            .Sum(match => int.Parse(match.Groups[1].Value));
        var single = lines.Count(line => line.TryGetProperty("request_id", out _));
        Assert.Equal(Flood, single + counted);
        Assert.True(counted > 0, $"{single} lines of {Flood}");
        await proxy.StartServerAsync();
    }

    [Fact]
    public async Task Whatever_nobody_authenticated_for_is_held_to_one_limit_and_its_path_to_256_characters()
    {
        // the clock stands still: all of it comes in one second
        await using var proxy = await TestProxy.StartAsync(time: new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        const int Rounds = 30;
        var quotes = "/" + new string('"', 7000);
        var api = proxy.Sandbox.Options.UserToken;
        // malformed, of a public endpoint, a wrong method there, no token, a token that is none, and a pass-through target that is refused
        var asked = Enumerable.Range(0, Rounds).SelectMany(_ => new Func<Task>[]
        {
            () => proxy.SendRawGetAsync(quotes + "/../a", null), () => proxy.GetAsync("/health/live", null),
            () => proxy.SendRawAsync($"DELETE /health/live?{new string('a', 5000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
            () => proxy.SendRawGetAsync(quotes, null), () => proxy.SendRawGetAsync(quotes, "a.b.c"), () => proxy.SendRawGetAsync(quotes + "/../a", api),
        }).ToList();

        await Parallel.ForEachAsync(asked, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (ask, _) => await ask());
        await proxy.StopServerAsync();

        var lines = await proxy.AuditAsync(2);
        var counted = lines.Select(line => Suppressed().Match(line.TryGetProperty("reason", out var reason) ? reason.GetString()! : ""))
            .Where(match => match.Success).Sum(match => int.Parse(match.Groups[1].Value));
        Assert.Equal((100, asked.Count - 100), (lines.Count(line => line.TryGetProperty("request_id", out _)), counted));
        Assert.All(lines, line => Assert.True(!line.TryGetProperty("path", out var path) || path.GetString()!.Length <= 256));
        Assert.True(new FileInfo(proxy.AuditFile).Length < lines.Count * 1500);
        await proxy.StartServerAsync();
    }

    [Fact]
    public async Task Of_an_API_token_that_the_upstream_does_not_take_no_more_than_256_characters_of_a_path_are_kept()
    {
        await using var proxy = await TestProxy.StartAsync();
        var target = "/v2/echo/" + new string('"', 7000) + "?" + new string('q', 700);

        var made = await proxy.SendRawGetAsync(target, "anything-that-is-no-JWT");
        var own = await proxy.SendRawGetAsync(target, proxy.Sandbox.Options.UserToken);

        Assert.StartsWith("HTTP/1.1 401 ", made);
        Assert.StartsWith("HTTP/1.1 200 ", own);
        var line = await proxy.AuditOfAsync(RequestId().Match(made).Groups[1].Value);
        Assert.Equal(("pass", 256), (line.GetProperty("decision").GetString(), line.GetProperty("path").GetString()!.Length));
        Assert.False(line.TryGetProperty("query", out _));
        Assert.Equal(target.Split('?')[0], (await proxy.AuditOfAsync(RequestId().Match(own).Groups[1].Value)).GetProperty("path").GetString());
    }

    [Fact]
    public async Task A_token_that_no_role_matches_leaves_the_nearest_role_in_the_audit_and_the_caller_learns_nothing()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.Tutorial);
        var job = Examples.Job;
        job["job_workflow_ref"] = "org/repo/.github/workflows/other.yml@refs/heads/main";

        var forwarded = await proxy.GetAsync("/v2/databases", proxy.IdentityToken(job));
        var exchanged = await proxy.PostJsonAsync("/v1/oidc/issue", proxy.IdentityToken(job),
            $$"""{"aud":"{{TestProxy.DigitalOcean}}","sub":"actx:{{TestProxy.Team}}:role:database-and-spaces-keys-access"}""");

        foreach (var answer in new[] { forwarded, exchanged })
        {
            Assert.Equal((HttpStatusCode.Forbidden, "no role matches this token"), (answer.Status, answer.Json.GetProperty("message").GetString()));
            Assert.Equal("""{"role":"ex-gha-readwrite","failed":["job_workflow_ref"]}""", (await proxy.AuditOfAsync(answer)).GetProperty("nearest")
                .GetRawText());
        }
        var denied = await proxy.GetAsync("/v2/databases/a/b/c", proxy.IdentityToken());
        Assert.False((await proxy.AuditOfAsync(denied)).TryGetProperty("nearest", out _));
    }

    [Theory]
    [InlineData("\u202e", "\\u202E")]
    [InlineData("\u2066", "\\u2066")]
    [InlineData("\u200f", "\\u200F")]
    public async Task What_turns_the_reading_direction_or_ends_a_line_is_escaped_in_audit_and_answer(string character, string escaped)
    {
        await using var proxy =
            await TestProxy.StartAsync(Examples.ForOneJob("path \"/*\" {\n  capabilities = [\"read\", \"create\"]\n  allowed_parameters = { \"a\" = \"b\", "
                + "\"?\" = { \"*\" = [] } }\n}\n"));

        var answer = await proxy.PostJsonAsync("/v2/echo/é" + Uri.EscapeDataString(character), proxy.IdentityToken(), $$"""{"a":"b","x{{character}}é":1}""");

        var line = await proxy.AuditOfAsync(answer);
        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
        Assert.Contains($"`x{escaped}é`", answer.Body);
        Assert.Contains($"`x{escaped}é`", line.GetRawText());
        Assert.DoesNotContain(character, answer.Body);
        Assert.DoesNotContain(character, await File.ReadAllTextAsync(proxy.AuditFile));
        Assert.Contains($"/v2/echo/é{escaped}", line.GetRawText());
    }

    [Fact]
    public async Task An_upstreams_own_401s_are_no_flood()
    {
        await using var proxy = await TestProxy.StartAsync();
        var token = proxy.IdentityToken();

        await Task.WhenAll(Enumerable.Range(0, 150).Select(_ => proxy.GetAsync("/v2/status/401", token)));

        var lines = await proxy.AuditAsync(150);
        Assert.All(lines, line => Assert.Equal(("allow", 401), (line.GetProperty("decision").GetString(), line.GetProperty("status").GetInt32())));
    }

    [Fact]
    public async Task A_file_that_was_renamed_away_or_emptied_is_made_anew()
    {
        await using var proxy = await TestProxy.StartAsync();
        await proxy.GetAsync("/health/live", null);
        await proxy.AuditAsync(1);

        File.Move(proxy.AuditFile, proxy.AuditFile + ".1");
        var after = await proxy.GetAsync("/health/live", null);
        await proxy.AuditOfAsync(after);
        Assert.Single(await File.ReadAllLinesAsync(proxy.AuditFile + ".1"));

        new FileStream(proxy.AuditFile, FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite).Dispose();
        var emptied = await proxy.GetAsync("/health/live", null);
        await proxy.AuditOfAsync(emptied);
        Assert.Single(await File.ReadAllLinesAsync(proxy.AuditFile));
    }

    [Fact]
    public async Task Half_a_line_that_a_killed_process_left_is_cut_off()
    {
        await using var proxy = await TestProxy.StartAsync();
        var before = await proxy.GetAsync("/health/live", null);
        await proxy.AuditOfAsync(before);
        await proxy.StopServerAsync();
        await File.AppendAllTextAsync(proxy.AuditFile, "{\"time\":\"2026");

        await proxy.StartServerAsync();
        var after = await proxy.GetAsync("/health/live", null);

        await proxy.AuditOfAsync(after);
        Assert.Equal(2, (await File.ReadAllLinesAsync(proxy.AuditFile)).Length);
    }

    [Fact]
    public async Task While_the_audit_can_not_be_written_requests_are_refused_and_afterwards_nothing_is_missing()
    {
        await using var proxy = await TestProxy.StartAsync(Examples.Tutorial, (options, _) =>
        {
            File.CreateSymbolicLink(options.Audit.File!, "/dev/full");
            return options;
        });
        var identity = proxy.IdentityToken();
        var ask = $$"""{"aud":"{{TestProxy.DigitalOcean}}","sub":"actx:{{TestProxy.Team}}:role:database-and-spaces-keys-access","ttl":300}""";

        // a token that can't be audited is not handed out, not even the first
        var refused = await proxy.PostJsonAsync("/v1/oidc/issue", identity, ask);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "audit_unavailable"), (refused.Status, refused.ErrorId));
        Assert.Equal("1", refused.Headers["Retry-After"]);
        var next = await proxy.GetAsync("/v2/databases?tag_name=my-tag", identity);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "audit_unavailable"), (next.Status, next.ErrorId));
        Assert.Empty(proxy.Sandbox.Requests.All);
        // alive, but not ready: and readiness says what is wrong
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/health/live", null)).Status);
        var ready = await proxy.GetAsync("/health/ready", null);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unavailable"),
            (ready.Status, ready.Json.GetProperty("components").GetProperty("audit").GetProperty("status").GetString()));

        File.Delete(proxy.AuditFile);
        var lines = await proxy.AuditAsync(4);

        Assert.Equal(4, lines.Select(line => line.GetProperty("request_id").GetString()).Distinct().Count());
        Assert.DoesNotContain(lines, line => line.TryGetProperty("token_sha256", out _));
        Assert.Equal("deny", (await proxy.AuditOfAsync(refused)).GetProperty("decision").GetString());
        Assert.Equal(HttpStatusCode.OK, (await proxy.PostJsonAsync("/v1/oidc/issue", identity, ask)).Status);
    }

    [Fact]
    public async Task A_trace_too_long_for_its_slot_still_says_who_asked()
    {
        await using var proxy = await TestProxy.StartAsync();
        var release = new TaskCompletionSource();
        proxy.Sandbox.Intercept = async _ =>
        {
            await release.Task;
            return false;
        };
        var job = Examples.Job;
        job["jti"] = new string('j', 2000);
        var inFlight = proxy.GetAsync("/v2/echo/" + new string('p', 2000), proxy.IdentityToken(job));
        await proxy.Sandbox.Requests.First(_ => true);

        var copy = Path.Combine(proxy.Folder, "trail");
        await using (var trail = new FileStream(Path.Combine(proxy.Options.DataDirectory, "audit.inflight"), FileMode.Open, FileAccess.Read,
            FileShare.ReadWrite | FileShare.Delete))
        await using (var target = File.Create(copy)) await trail.CopyToAsync(target);
        release.SetResult();
        var answer = await inFlight;

        var line = JsonDocument.Parse(Assert.Single(InFlightTrail.TakeLeftBehind(copy))).RootElement;
        Assert.Equal(("repo:org/repo:ref:refs/heads/main", "process ended"), (line.GetProperty("sub").GetString(), line.GetProperty("reason").GetString()));
        Assert.Equal(answer.Headers["X-Request-Id"], line.GetProperty("request_id").GetString());
        Assert.StartsWith("/v2/echo/ppp", line.GetProperty("path").GetString());
        Assert.Equal(2000, (await proxy.AuditOfAsync(answer)).GetProperty("jti").GetString()!.Length);
    }

    [Theory]
    [InlineData("127.0.0.0/8", "203.0.113.9", "203.0.113.9")]
    [InlineData("127.0.0.0/8", "198.51.100.1, 203.0.113.9, 127.0.0.2", "203.0.113.9")]
    [InlineData("127.0.0.0/8", "203.0.113.9, not-an-address", "127.0.0.1")]
    [InlineData("127.0.0.0/8", "203.0.113.9:4711", "203.0.113.9")]
    [InlineData("127.0.0.0/8", "[2001:db8::1]:4711", "2001:db8::1")]
    [InlineData("10.0.0.0/8", "203.0.113.9", "127.0.0.1")]
    [InlineData(null, "203.0.113.9", "127.0.0.1")]
    public async Task The_client_is_who_a_trusted_proxy_says(string? trusted, string forwardedFor, string client)
    {
        await using var proxy = await TestProxy.StartAsync(configure: (options, _) => options with
            { TrustedProxies = trusted is null ? [] : [IPNetwork.Parse(trusted)] });

        var answer = await proxy.SendAsync(HttpMethod.Get, "/health/live", null,
            with: request => request.Headers.TryAddWithoutValidation("X-Forwarded-For", forwardedFor));

        Assert.Equal(client, (await proxy.AuditOfAsync(answer)).GetProperty("client").GetString());
    }

    [Fact]
    public async Task A_changed_policy_decides_the_next_request_and_a_broken_one_leaves_the_last_good_in_force()
    {
        await using var proxy = await TestProxy.StartAsync();
        var token = proxy.IdentityToken();
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/a", token)).Status);
        var first = await VersionAsync();

        proxy.WritePolicy("policies/job.hcl", "path \"/v2/echo/b\" {\n  capabilities = [\"read\"]\n}\n");
        var second = await UntilAsync(policies => policies.GetProperty("version").GetString() != first);
        Assert.Equal(HttpStatusCode.Forbidden, (await proxy.GetAsync("/v2/echo/a", token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/b", token)).Status);

        proxy.WritePolicy("policies/job.hcl", "path \"/*\" {\n  capabilities = [\"everything\"]\n}\n");
        var broken = await UntilAsync(policies => policies.GetProperty("last_error").ValueKind == JsonValueKind.Object);
        Assert.Equal(second.GetProperty("version").GetString(), broken.GetProperty("version").GetString());
        Assert.Equal("policies/job.hcl", broken.GetProperty("last_error").GetProperty("diagnostics")[0].GetProperty("file").GetString());
        Assert.Equal(HttpStatusCode.Forbidden, (await proxy.GetAsync("/v2/echo/a", token)).Status);
        Assert.Equal(HttpStatusCode.OK, (await proxy.GetAsync("/v2/echo/b", token)).Status);

        async Task<string?> VersionAsync() => (await ContextAsync()).GetProperty("version").GetString();
        async Task<JsonElement> ContextAsync() =>
            (await proxy.GetAsync("/health/ready", null)).Json.GetProperty("components").GetProperty("policy_sets").GetProperty("contexts")[0];
        async Task<JsonElement> UntilAsync(Func<JsonElement, bool> holds)
        {
            using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
            for (var left = 400; left > 0 && await poll.WaitForNextTickAsync(); left--)
            {
                if (await ContextAsync() is var context && holds(context)) return context;
            }
            throw new TimeoutException("the policy was not read again");
        }
    }

    [GeneratedRegex("X-Request-Id: ([0-9a-f]{32})")]
    private static partial Regex RequestId();

    [GeneratedRegex("^([0-9]+) more requests without a valid token")]
    private static partial Regex Suppressed();
}
