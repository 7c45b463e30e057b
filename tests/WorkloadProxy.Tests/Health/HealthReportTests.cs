using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using WorkloadProxy.Hcl;
using WorkloadProxy.Health;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;

namespace WorkloadProxy.Tests.Health;

public sealed class HealthReportTests
{
    private static readonly DateTimeOffset noon = new(2026, 5, 4, 12, 0, 0, TimeSpan.Zero);
    private static readonly HealthComponent[] fine = [new("store", HealthStatus.Ok), new("signing_keys", HealthStatus.Ok)];
    private static readonly PolicySourceStatus serving = new(new AuthContext("DigitalOcean", "team"), "directory:/rbac", "abc", noon);
    private static readonly PolicySourceError error = new(noon, "1 error in the policy files",
        [new(DiagnosticSeverity.Error, "unknown-policy", "unknown policy `x`", null, new("roles/ci.hcl", new(0, 3, 5), new(9, 3, 14)))], "");

    [Fact]
    public void All_is_well() => Check(new(fine, [serving]), details: false, 200,
        """{"status":"ok","components":{"store":{"status":"ok"},"signing_keys":{"status":"ok"},"policy_sets":{"status":"ok"}}}""");

    [Fact]
    public void Details_name_contexts_and_sources() => Check(new(fine, [serving]), details: true, 200,
        """{"status":"ok","components":{"store":{"status":"ok"},"signing_keys":{"status":"ok"},"policy_sets":{"status":"ok","contexts":[{"context":"api://DigitalOcean?actx=team","status":"ok","source":"directory:/rbac","version":"abc","since":"2026-05-04T12:00:00Z","last_error":null}]}}}""");

    [Fact]
    public void While_the_last_good_set_serves_it_is_ready() => Check(new(fine, [serving with { LastError = error }]), details: true, 200,
        """{"status":"degraded","components":{"store":{"status":"ok"},"signing_keys":{"status":"ok"},"policy_sets":{"status":"degraded","contexts":[{"context":"api://DigitalOcean?actx=team","status":"degraded","source":"directory:/rbac","version":"abc","since":"2026-05-04T12:00:00Z","last_error":{"time":"2026-05-04T12:00:00Z","message":"1 error in the policy files","diagnostics":[{"severity":"error","code":"unknown-policy","summary":"unknown policy `x`","help":null,"file":"roles/ci.hcl","line":3,"column":5}]}}]}}}""");

    [Fact]
    public void A_context_without_a_set_is_not_ready() => Check(new(fine, [serving, serving with { Version = null, Since = null }]), details: false, 503,
        """{"status":"unavailable","components":{"store":{"status":"ok"},"signing_keys":{"status":"ok"},"policy_sets":{"status":"unavailable"}}}""");

    [Fact]
    public void A_store_that_does_not_answer_is_not_ready() => Check(new([new("store", HealthStatus.Unavailable, "disk is full")], []), details: true, 503,
        """{"status":"unavailable","components":{"store":{"status":"unavailable","detail":"disk is full"},"policy_sets":{"status":"ok","contexts":[]}}}""");

    [Theory]
    [InlineData("127.0.0.1", null, true)]
    [InlineData("::1", null, true)]
    [InlineData("::ffff:10.1.2.3", null, false)]
    [InlineData("192.168.1.1", null, false)]
    [InlineData("172.15.0.1", null, false)]
    [InlineData("fd00::1", null, false)]
    [InlineData("127.0.0.1", "X-Original-Forwarded-For", false)]
    [InlineData("127.0.0.1", "X-Envoy-External-Address", false)]
    [InlineData("127.0.0.1", "DO-Connecting-IP", false)]
    [InlineData("fe80::1", null, false)]
    [InlineData("169.254.169.254", null, false)]
    [InlineData("203.0.113.1", null, false)]
    [InlineData("127.0.0.1", "X-Forwarded-For", false)]
    [InlineData("10.0.0.1", "Forwarded", false)]
    [InlineData("10.0.0.1", "x-forwarded-proto", false)]
    [InlineData("127.0.0.1", "CF-Connecting-IP", false)]
    [InlineData(null, null, false)]
    public void Details_are_for_callers_on_this_machine_alone(string? address, string? header, bool expected)
    {
        var headers = new HeaderDictionary();
        if (header is not null) headers[header] = "203.0.113.9";
        Assert.Equal(expected, HealthEndpoints.IsFromInside(address is null ? null : IPAddress.Parse(address), headers));
    }

    private static void Check(HealthFacts facts, bool details, int statusCode, string json)
    {
        var report = HealthReport.Ready(facts, details);
        Assert.Equal(json, Encoding.UTF8.GetString(report.Json));
        Assert.Equal(statusCode, report.StatusCode);
    }
}
