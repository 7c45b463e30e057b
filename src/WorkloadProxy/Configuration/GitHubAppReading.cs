namespace WorkloadProxy.Configuration;

/// <summary>A GitHub App, wherever one is named.</summary>
internal static class GitHubAppReading
{
    public static IReadOnlyList<string> Keys { get; } = ["AppId", "PrivateKeyFile", "InstallationId"];

    public static GitHubAppOptions? Read(SettingsReader reader, string key, bool hasToken)
    {
        // the other half of an App is asked for only where an App is meant
        foreach (var name in Keys.Take(2))
            if (!hasToken && !reader.Has($"{key}:{name}")) reader.Mistake($"{key}:{name}", "is missing: a GitHub App has an id and a private key");
        var id = reader.Text(key + ":AppId");
        // not shown: it may be the key, put in the wrong place
        if (id is not null && (id.Length > 40 || id.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_'))))
            reader.Mistake(key + ":AppId", "is neither the number nor the client id of an App");
        var privateKey = reader.ExistingFile(key + ":PrivateKeyFile");
        var installation = reader.NumberOrNone(key + ":InstallationId");
        return id is not null && privateKey is not null ? new(id, privateKey, installation) : null;
    }
}
