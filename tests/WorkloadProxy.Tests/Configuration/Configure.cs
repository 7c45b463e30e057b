using System.Text.RegularExpressions;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Sources;

namespace WorkloadProxy.Tests.Configuration;

/// <summary>Loads a configuration as <c>serve</c> does, in a directory that has the files which the cases name.</summary>
internal static partial class Configure
{
    public static LoadedConfiguration Load(string? json, string[]? arguments = null, Dictionary<string, string>? environment = null, Action<TemporaryDirectory>? prepare = null)
    {
        using var directory = new TemporaryDirectory();
        if (json is not null) directory.Write("appsettings.json", json);
        directory.Write("secret", "s3cr3t");
        Directory.CreateDirectory(Path.Combine(directory.Path, "rbac"));
        prepare?.Invoke(directory);
        Assert.True(ArgumentSettings.TryParse(arguments ?? [], out var parsed, out var error), error);
        var loaded = ConfigurationLoader.Load(parsed, environment ?? [], directory.Path);
        return loaded with { Mistakes = Shorten(loaded.Mistakes), Warnings = Shorten(loaded.Warnings) };

        // the directory's random name must not be part of the expected texts
        IReadOnlyList<ConfigurationMistake> Shorten(IReadOnlyList<ConfigurationMistake> list) =>
            list.Select(mistake => mistake with { Problem = mistake.Problem.Replace(directory.Path, "/here", StringComparison.Ordinal) }).ToList();
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
