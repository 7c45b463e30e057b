using System.Text;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Publishing;

namespace WorkloadProxy.Tests.Authentication;

/// <summary>A compiled set of the given roles, which may name the policy <c>p</c>.</summary>
internal static class TestPolicies
{
    public static PolicySetInForce Set(AuthContext context, string version, string ownIssuer, params string[] roles)
    {
        var files = roles.Select((role, i) => new PolicyFile($"roles/{i}.hcl", Encoding.UTF8.GetBytes(role)))
            .Append(new PolicyFile("policies/p.hcl", "path \"/v2/*\" {\n  capabilities = [\"read\"]\n}\n"u8.ToArray()));
        var compiled = PolicyCompiler.Compile([.. files], new CompileOptions(context, ownIssuer));
        Assert.True(compiled.Set is not null, string.Join('\n', compiled.Diagnostics));
        return new PolicySetInForce(compiled.Set, version, DateTimeOffset.UnixEpoch);
    }
}
