using System.Globalization;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>
/// Checks the levels in ASP.NET's section <c>Logging</c>, which is handed on as it is: its reader throws for a level that there is not, and passes over one
/// that is not under a category.
/// </summary>
internal static class LogLevels
{
    private const string Section = "Logging", Levels = "LogLevel";

    public static IEnumerable<ConfigurationMistake> Check(Settings settings)
    {
        foreach (var setting in settings.All)
        {
            var parts = setting.Key.Split(':');
            if (!Is(parts, 0, Section)) continue;
            // `Logging:LogLevel`, or that of one provider: `Logging:Console:LogLevel`
            var levels = Is(parts, 1, Levels) ? 1 : Is(parts, 2, Levels) ? 2 : 0;
            var isHere = parts.Length == levels + 1;
            if (isHere && setting.Shape is SettingShape.Value or SettingShape.EmptyList)
                yield return NoObject(setting, parts, levels, setting.Shape == SettingShape.Value ? "one value" : "a list");
            else if (levels > 0 && !isHere && int.TryParse(parts[levels + 1], NumberStyles.None, CultureInfo.InvariantCulture, out _))
                yield return NoObject(setting, parts, levels, "a list");
            else if (levels > 0 && setting is { Shape: SettingShape.Value, Value: { } text } && !IsLevel(text))
                yield return new(setting.Key, $"unknown level `{ConfigurationText.Show(text)}`, expected {ConfigurationText.List(Enum.GetNames<LogLevel>())}",
                    "\"Default\": \"Information\"", setting.Origin);
        }
    }

    private static bool Is(string[] parts, int index, string name) => parts.Length > index && parts[index].Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>As ASP.NET takes it: in any letter case, or as a number.</summary>
    private static bool IsLevel(string text) => Enum.TryParse<LogLevel>(text, ignoreCase: true, out var level) && Enum.IsDefined(level);

    private static ConfigurationMistake NoObject(Setting setting, string[] parts, int levels, string found) =>
        new(string.Join(':', parts[..(levels + 1)]), $"must be an object, but is {found}", "\"LogLevel\": { \"Default\": \"Information\" }", setting.Origin);
}
