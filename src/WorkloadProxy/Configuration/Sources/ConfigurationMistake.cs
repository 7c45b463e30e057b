using System.Globalization;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>
/// Something wrong in the configuration: its key (<c>Policies:0:Context</c>), what was found and what was expected, an example of a right one, and where it
/// is (<c>proxy.json:3:5</c>, <c>environment variable …</c>), null for what is missing. Never a secret.
/// </summary>
internal sealed record ConfigurationMistake(string Key, string Problem, string? Example, string? Origin)
{
    /// <summary>The mistakes of files first, as a reader meets them; then those of other places, and what is missing.</summary>
    public static IReadOnlyList<ConfigurationMistake> InOrder(IEnumerable<ConfigurationMistake> mistakes) =>
        [.. mistakes.OrderBy(mistake => mistake.Line() is null)
            .ThenBy(mistake => mistake.Line() is null ? "" : mistake.Origin!.Split(':')[0], StringComparer.Ordinal).ThenBy(mistake => mistake.Line())];

    private int? Line() => Origin?.Split(':') is [_, var line, var column]
        && int.TryParse(line, CultureInfo.InvariantCulture, out var number) && int.TryParse(column, CultureInfo.InvariantCulture, out _) ? number : null;

    public override string ToString()
    {
        var line = Origin is null ? $"{Key}: {Problem}" : $"{Key}: {Problem} ({Origin})";
        return Example is null ? line : $"{line}\n  example: {Example}";
    }
}

/// <summary>The checked configuration, or every mistake in it; warnings in either case.</summary>
internal sealed record LoadedConfiguration(ProxyOptions? Options, IReadOnlyList<ConfigurationMistake> Mistakes, IReadOnlyList<ConfigurationMistake> Warnings);
