using System.Text.RegularExpressions;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Sources;

namespace WorkloadProxy.Tests.Configuration;

/// <summary>Loads a configuration as <c>serve</c> does, in a directory that has the files which the cases name.</summary>
internal static partial class Configure
{
    public static LoadedConfiguration Load(string? json, string[]? arguments = null, Dictionary<string, string>? environment = null,
        Action<TemporaryDirectory>? prepare = null)
    {
        using var directory = new TemporaryDirectory();
        if (json is not null) directory.Write("appsettings.json", json);
        directory.Write("secret", "s3cr3t");
        Directory.CreateDirectory(Path.Combine(directory.Path, "rbac"));
        prepare?.Invoke(directory);
        var loaded = ConfigurationLoader.Load(Arguments(arguments ?? []), environment ?? [], directory.Path);
        return loaded with { Mistakes = Shorten(loaded.Mistakes), Warnings = Shorten(loaded.Warnings) };

        // the directory's random name must not be part of the expected texts
        IReadOnlyList<ConfigurationMistake> Shorten(IReadOnlyList<ConfigurationMistake> list) =>
            list.Select(mistake => mistake with { Problem = mistake.Problem.Replace(directory.Path, "/here", StringComparison.Ordinal) }).ToList();
    }

    /// <summary><c>--Section:Key value</c> or <c>--Section:Key=value</c>, as the command line reads them.</summary>
    private static ArgumentSettings Arguments(string[] arguments)
    {
        var pairs = SettingsInput.Split(arguments).Chunk(2).Select(pair => (Name: pair[0][2..], Value: pair[1])).ToList();
        return new(Value("config"), Value("environment"),
            [.. pairs.Where(pair => pair.Name is not ("config" or "environment"))
                .Select(pair => Setting.Of(pair.Name, pair.Value, $"argument --{pair.Name}"))]);

        string? Value(string name) => pairs.FirstOrDefault(pair => pair.Name == name).Value;
    }

    public static ProxyOptions Options(string? json, string[]? arguments = null, Dictionary<string, string>? environment = null)
    {
        var loaded = Load(json, arguments, environment);
        Assert.Empty(loaded.Mistakes);
        return loaded.Options!;
    }

    /// <summary>The mistakes as <c>key: problem (file)</c>, without examples and places.</summary>
    public static string MistakesWithoutPlaces(LoadedConfiguration loaded) => Place().Replace(Mistakes(loaded), "(appsettings.json)");

    /// <summary>The mistakes as <c>key: problem (origin)</c>, without their examples.</summary>
    public static string Mistakes(LoadedConfiguration loaded)
    {
        Assert.Null(loaded.Options);
        return string.Join('\n', loaded.Mistakes.Select(mistake => (mistake with { Example = null }).ToString()));
    }

    [GeneratedRegex(@"\(appsettings\.json:\d+:\d+\)")]
    private static partial Regex Place();
}
