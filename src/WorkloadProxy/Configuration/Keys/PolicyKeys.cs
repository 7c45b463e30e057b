namespace WorkloadProxy.Configuration.Keys;

/// <summary><c>Policies</c></summary>
internal static class PolicyKeys
{
    public static readonly ConfigurationKey[] Rows =
    [
        new("Policies:#:Context", KeyType.Text, "`api://<Upstream>?actx=<id>`")
            { Required = true, Example = "\"api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"", Form = "context" },
        new("Policies:#:Directory", KeyType.Directory, "the set is in this directory, and is reloaded when it changes")
        { Example = "\".\"", Absent = "one of three" },
        new("Policies:#:Git:Url", KeyType.Text, "the set is pulled from this repository")
            { Required = true, Example = "\"https://github.com/acme/rbac.git\"", Form = "address", More = "policy-delivery.md" },
        new("Policies:#:Git:Branch", KeyType.Text, "the branch in force") { Default = "main" },
        new("Policies:#:Git:Path", KeyType.Text, "the directory in the repository") { Default = ".", Form = "path" },
        new("Policies:#:Git:Interval", KeyType.Duration, "how often it is fetched") { Default = "00:01:00", Least = "00:00:01", Most = "1.00:00:00" },
        new("Policies:#:Git:WebhookSecretFile", KeyType.SecretFile, "holds the HMAC secret of `X-Hub-Signature-256`")
            { Example = "\"/run/secrets/webhook\"", Absent = "no webhook" },
        new("Policies:#:Git:TokenFile", KeyType.SecretFile, "holds the password for https") { Example = "\"/run/secrets/git-token\"" },
        new("Policies:#:Git:SshKeyFile", KeyType.SecretFile, "holds the private key for ssh") { Example = "\"/run/secrets/git-ssh-key\"" },
        new("Policies:#:Git:KnownHostsFile", KeyType.File, "holds the host's key")
            { Example = "\"/etc/workload-proxy/known_hosts\"", Absent = "required for ssh" },
        new("Policies:#:Git:RequireSignedBy", KeyType.File, "an allowed-signers file: commits that none of them signed are refused")
            { Example = "\"/etc/workload-proxy/allowed_signers\"" },
        new("Policies:#:Git:Status:ApiAddress", KeyType.Address, "where commit statuses go") { Default = "https://api.github.com" },
        new("Policies:#:Git:Status:TokenFile", KeyType.SecretFile, "holds a token that may set statuses")
        { Example = "\"/run/secrets/status-token\"", Absent = "this or an App" },
        new("Policies:#:Git:Status:AppId", KeyType.Text, "a GitHub App's number or client id")
            { Example = "\"Iv23liAbCdEfGhIjKlMn\"", Absent = "this or a token" },
        new("Policies:#:Git:Status:PrivateKeyFile", KeyType.SecretFile, "the App's key as GitHub gives it (PEM); read again for each use")
            { Example = "\"/run/secrets/github-app.pem\"", Absent = "required with `AppId`" },
        new("Policies:#:Git:Status:InstallationId", KeyType.Number, "where the App is installed")
            { Least = "1", Most = "9223372036854775807", Example = "12345678", Absent = "GitHub is asked" },
        new("Policies:#:Hosted:InitialDirectory", KeyType.Directory, "the proxy itself is the git remote; this is the repository's first content")
            { Example = "\"./bootstrap\"", Absent = "an empty repository", More = "policy-delivery.md" },
        new("Policies:#:Hosted:ObjectFormat", KeyType.Choice, "of a repository that is made from now on; an existing one keeps its own")
            { Default = "sha1", Choices = ["sha1", "sha256"], Example = "\"sha256\"" },
        new("Policies:#:Hosted:RequireSignedBy", KeyType.File, "an allowed-signers file: a push with other commits is refused")
            { Example = "\"/etc/workload-proxy/allowed_signers\"" },
    ];
}
