namespace WorkloadProxy.Configuration.Sources;

/// <summary>
/// Something wrong in the configuration: its key (<c>Policies:0:Context</c>), what was found and what was expected, an example of a right one, and where it
/// stands (<c>proxy.json:3:5</c>, <c>environment variable …</c>), null for what is missing. Never a secret.
/// </summary>
internal sealed record ConfigurationMistake(string Key, string Problem, string? Example, string? Origin)
{
    public override string ToString()
    {
        var line = Origin is null ? $"{Key}: {Problem}" : $"{Key}: {Problem} ({Origin})";
        return Example is null ? line : $"{line}\n  example: {Example}";
    }
}

/// <summary>The checked configuration, or every mistake in it; warnings in either case.</summary>
internal sealed record LoadedConfiguration(ProxyOptions? Options, IReadOnlyList<ConfigurationMistake> Mistakes, IReadOnlyList<ConfigurationMistake> Warnings);
