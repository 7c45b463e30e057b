using WorkloadProxy.Configuration.Sources;

namespace WorkloadProxy.Configuration;

/// <summary>What a configuration without a mistake still lacks to be of use.</summary>
internal static class ConfigurationAdvice
{
    public static IEnumerable<ConfigurationMistake> Of(ProxyOptions options)
    {
        if (options.Policies.Count == 0) yield return Missing("Policies", "no context has a policy source: every token is refused");
        foreach (var (policy, index) in options.Policies.Select((policy, index) => (policy, index)))
        {
            // whoever signs in brings the credential along
            if (options.Credentials.Any(credential => credential.Context == policy.Context)
                || options.Upstreams.GetValueOrDefault(policy.Context.Upstream) is { OAuth: not null } or { AtProto.OAuth: not null })
                continue;
            yield return Missing($"Policies:{index}:Context",
                $"`{policy.Context}` has no entry in `Credentials`: its requests are answered with 502, and only exchanges work");
        }
    }

    private static ConfigurationMistake Missing(string key, string problem) => new(key, problem, null, null);
}
