namespace WorkloadProxy.Configuration.Sources;

/// <summary>
/// The configuration's part of a command line: <c>--config FILE</c>, <c>--environment NAME</c> and any key as <c>--Section:Key value</c>. Whether the keys
/// exist is checked with the rest.
/// </summary>
internal sealed record ArgumentSettings(string? ConfigFile, string? Environment, IReadOnlyList<Setting> Settings)
{
    /// <summary>What must not be given on a command line, where every user of the machine can read it.</summary>
    public static ConfigurationMistake? CheckSecrecy(Setting setting)
    {
        var isSecret = setting.Key.StartsWith("ConnectionStrings:", StringComparison.OrdinalIgnoreCase)
            || setting.Key.EndsWith("Password", StringComparison.OrdinalIgnoreCase);
        return isSecret
            ? new(setting.Key, "may hold a secret and is not accepted on the command line, which every user of the machine can read",
                setting.Key.Replace(":", "__") + "=… in the environment", setting.Origin)
            : null;
    }
}
