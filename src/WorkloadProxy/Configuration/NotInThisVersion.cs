namespace WorkloadProxy.Configuration;

/// <summary>What the configuration knows and this version does not do yet: said at start, not at the first request. Each line goes when its feature comes.</summary>
internal static class NotInThisVersion
{
    private const string Text = "is not available in this version";

    public static void Check(SettingsReader reader, ProxyOptions options)
    {
        foreach (var key in reader.Settings.Elements("Credentials"))
        {
            var kind = reader.Settings.Find(key + ":Kind")?.Value;
            if (Enum.TryParse<CredentialKind>(kind, ignoreCase: true, out var known) && known is CredentialKind.Dpop)
                reader.Mistake(key + ":Kind", $"`{known}` {Text}, expected `Bearer`, `Header`, `Basic`, `Query`, `OAuth`, `ClientCredentials`, `GitHubApp`, `Exchange`, `AtprotoPassword` or `None`");
        }
    }
}
