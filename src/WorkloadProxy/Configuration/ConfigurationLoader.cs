using WorkloadProxy.Configuration.Sources;

namespace WorkloadProxy.Configuration;

/// <summary>Files, environment and arguments → <see cref="ProxyOptions"/>, or every mistake at once.</summary>
internal static class ConfigurationLoader
{
    public static LoadedConfiguration Load(ArgumentSettings arguments, IReadOnlyDictionary<string, string> environment, string workingDirectory)
    {
        var mistakes = new List<ConfigurationMistake>();
        var warnings = new List<ConfigurationMistake>();
        var environmentName = arguments.Environment ?? environment.GetValueOrDefault("ASPNETCORE_ENVIRONMENT")
            ?? environment.GetValueOrDefault("DOTNET_ENVIRONMENT") ?? "Production";

        var files = ReadFiles(arguments.ConfigFile, environmentName, workingDirectory, mistakes);
        var older = EnvironmentSettings.ReadOlder(environment, mistakes).ToList();
        var named = EnvironmentSettings.Read(environment).ToList();
        Check(files.OfType<SettingsFile>().SelectMany(file => file.Settings).Concat(named).Concat(arguments.Settings), mistakes);
        mistakes.AddRange(arguments.Settings.Select(ArgumentSettings.CheckSecrecy).OfType<ConfigurationMistake>());
        // what a broken file would have said can't be known: everything else would seem missing
        if (files.Contains(null)) return new(null, ConfigurationMistake.InOrder(mistakes), warnings);

        var settings = new Settings();
        settings.Add(Defaults(files, named.Concat(arguments.Settings)));
        foreach (var file in files) settings.AddFile(file!);
        settings.Add(older);
        settings.Add(named);
        // whoever types a path has the shell's directory in mind, and the shell completes it there
        settings.Add(arguments.Settings.Select(setting => setting with { BaseDirectory = workingDirectory }));

        mistakes.AddRange(LogLevels.Check(settings));
        var baseDirectory = arguments.ConfigFile is { } configFile ? Path.GetDirectoryName(Path.GetFullPath(configFile, workingDirectory))! : workingDirectory;
        var development = environmentName.Equals("Development", StringComparison.OrdinalIgnoreCase);
        var options = OptionsReading.Read(new SettingsReader(settings, baseDirectory, environment, mistakes, warnings), development);
        return new(mistakes.Count == 0 ? options with { BaseDirectory = baseDirectory, Framework = FrameworkSections(settings), Warnings = warnings } : null,
            ConfigurationMistake.InOrder(mistakes), warnings);
    }

    /// <summary>A null stands for a file that is there (or was asked for) and can't be used.</summary>
    private static List<SettingsFile?> ReadFiles(string? configFile, string environmentName, string workingDirectory, List<ConfigurationMistake> mistakes)
    {
        if (configFile is not null) return [SettingsFile.Read(Path.GetFullPath(configFile, workingDirectory), configFile, mistakes)];
        if (environmentName.Length == 0 || environmentName.AsSpan().ContainsAny(Path.GetInvalidFileNameChars()))
        {
            mistakes.Add(new("environment", $"`{ConfigurationText.Show(environmentName)}` is not the name of an environment",
                "ASPNETCORE_ENVIRONMENT=Production", null));
            return [null];
        }
        return ((string[])["appsettings.json", $"appsettings.{environmentName}.json"]).Where(name => File.Exists(Path.Combine(workingDirectory, name)))
            .Select(name => SettingsFile.Read(Path.Combine(workingDirectory, name), name, mistakes)).ToList();
    }

    private static void Check(IEnumerable<Setting> settings, List<ConfigurationMistake> mistakes)
    {
        // one mistake a key: an unknown section is not listed once for each thing in it
        var seen = new HashSet<(string, string?)>();
        foreach (var mistake in settings.Select(ConfigurationKeys.Check).OfType<ConfigurationMistake>())
        {
            if (seen.Add((mistake.Key.ToUpperInvariant(), mistake.Origin?.Split(':')[0]))) mistakes.Add(mistake);
        }
    }

    /// <summary>Without any upstream configured, DigitalOcean's API is the one.</summary>
    private static IEnumerable<Setting> Defaults(List<SettingsFile?> files, IEnumerable<Setting> others)
    {
        if (files.SelectMany(file => file!.Settings).Concat(others).Any(setting => setting.Key.StartsWith("Upstreams:", StringComparison.OrdinalIgnoreCase)))
            return [];
        return [new("Upstreams:DigitalOcean:Kind", "digitalocean", "default"), new("Upstreams:DigitalOcean:PassThrough", "true", "default")];
    }

    private static IConfigurationRoot FrameworkSections(Settings settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.All.Where(setting => ConfigurationKeys.Framework.Contains(setting.Key.Split(':')[0]))
            .Select(setting => KeyValuePair.Create(setting.Key, setting.Value)))
        .Build();
}
