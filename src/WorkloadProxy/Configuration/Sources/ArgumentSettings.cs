using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>The command line of <c>serve</c>: <c>--config FILE</c>, <c>--environment NAME</c> and any key as <c>--Section:Key value</c> or <c>--Section:Key=value</c>.</summary>
internal sealed record ArgumentSettings(string? ConfigFile, string? Environment, IReadOnlyList<Setting> Settings)
{
    /// <summary>False, with what is wrong, for a command line that is not made of keys and values (exit code 1); whether the keys exist is checked with the rest.</summary>
    public static bool TryParse(IReadOnlyList<string> arguments, [NotNullWhen(true)] out ArgumentSettings? result, [NotNullWhen(false)] out string? error)
    {
        result = null;
        string? configFile = null, environment = null;
        var settings = new List<Setting>();
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (!argument.StartsWith("--", StringComparison.Ordinal) || argument.Length == 2)
            {
                error = $"unexpected argument `{ConfigurationText.Show(argument)}`, expected `--Section:Key value`";
                return false;
            }
            var separator = argument.IndexOf('=');
            var key = separator < 0 ? argument[2..] : argument[2..separator];
            string value;
            if (separator >= 0)
            {
                value = argument[(separator + 1)..];
            }
            else if (i + 1 < arguments.Count && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal))
            {
                value = arguments[++i];
            }
            else
            {
                error = $"`--{ConfigurationText.Show(key)}` needs a value";
                return false;
            }

            if (key.Equals("config", StringComparison.OrdinalIgnoreCase))
            {
                if (configFile is not null || value.Length == 0)
                {
                    error = configFile is not null ? "`--config` is given twice" : "`--config` needs a file";
                    return false;
                }
                configFile = value;
            }
            else if (key.Equals("environment", StringComparison.OrdinalIgnoreCase))
            {
                environment = value;
            }
            else
            {
                settings.Add(Setting.Of(key, value, $"argument --{key}"));
            }
        }
        result = new ArgumentSettings(configFile, environment, settings);
        error = null;
        return true;
    }

    /// <summary>What must not be given on a command line, where every user of the machine can read it.</summary>
    public static ConfigurationMistake? CheckSecrecy(Setting setting)
    {
        var isSecret = setting.Key.StartsWith("ConnectionStrings:", StringComparison.OrdinalIgnoreCase) || setting.Key.EndsWith("Password", StringComparison.OrdinalIgnoreCase);
        return isSecret
            ? new(setting.Key, "may hold a secret and is not taken from the command line, which every user of the machine can read", setting.Key.Replace(":", "__") + "=… in the environment", setting.Origin)
            : null;
    }
}
