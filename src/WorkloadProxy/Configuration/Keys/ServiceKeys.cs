namespace WorkloadProxy.Configuration.Keys;

/// <summary><c>Tokens</c>, <c>Provisioning</c>, <c>Git</c>, <c>TrustedProxies</c>, <c>Audit</c> and <c>Health</c>.</summary>
internal static class ServiceKeys
{
    public static readonly ConfigurationKey[] Rows =
    [
        new("Tokens:Algorithm", KeyType.Choice, "of the tokens that are issued") { Default = "RS256", Choices = ["RS256", "ES256"] },
        new("Tokens:MaxLifetime", KeyType.Duration, "the longest `ttl`") { Default = "00:15:00", Least = "00:00:01", Most = "1.00:00:00" },
        new("Tokens:MaxChain", KeyType.Duration, "how long after its first token was issued a chain of exchanges ends; it never ends before that token does")
            { Default = "01:00:00", Least = "00:00:01", Most = "7.00:00:00" },
        new("Tokens:KeyRotation", KeyType.Duration, "how long a key signs") { Default = "30.00:00:00", Least = "00:00:01", Most = "3650.00:00:00" },
        new("Tokens:ExternalAudiences:#", KeyType.Text, "other services that tokens may be issued for")
            { Example = "[\"sts.amazonaws.com\"]", Form = "audiences", More = "issuers.md#tokens-for-other-services" },
        new("Provisioning:SshPort", KeyType.Number, "where a droplet's sshd is asked for its key") { Default = "22", Least = "1", Most = "65535" },
        new("Provisioning:AllowPrivateAddresses", KeyType.Flag, "whether a droplet without a public address may be asked for its key") { Default = "false" },
        new("Git:MaxSize", KeyType.Size, "of one push or fetch") { Default = "20000000", Least = "1", Most = "10000000000" },
        new("Git:MaxRepositorySize", KeyType.Size, "of one hosted repository on disk") { Default = "200000000", Least = "1000000", Most = "1000000000000" },
        new("Git:MaxRefs", KeyType.Number, "branches and tags of one hosted repository") { Default = "1000", Least = "2", Most = "100000" },
        new("Git:MaxFiles", KeyType.Number, "policy files in one pushed set") { Default = "2000", Least = "1", Most = "100000" },
        new("Git:Timeout", KeyType.Duration, "for one run of git") { Default = "00:01:00", Least = "00:00:01", Most = "01:00:00" },
        new("TrustedProxies:#", KeyType.Text, "networks whose `X-Forwarded-For` and `-Proto` are believed") { Example = "[\"10.0.0.0/8\"]", Form = "networks" },
        new("Audit:File", KeyType.Path, "where the audit goes") { Example = "\"/var/log/workload-proxy/audit.jsonl\"", Absent = "standard output" },
        new("Audit:Required", KeyType.Flag, "a request that can't be audited is refused (503)") { Default = "true" },
        new("Health:Details", KeyType.Choice, "who is told contexts and errors by `/health/ready`: callers on this machine, or nobody")
            { Default = "loopback", Choices = ["loopback", "never"], Example = "\"never\"", More = "#health" },
    ];
}
