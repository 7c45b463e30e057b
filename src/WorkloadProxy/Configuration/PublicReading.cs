using System.Text;
using System.Text.Json;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary><c>Public</c></summary>
internal static class PublicReading
{
    private static readonly string[] Answers = ["Document", "File", "Upstream"];

    public static IReadOnlyList<PublicPathOptions> Read(SettingsReader reader, IReadOnlyDictionary<string, UpstreamOptions> upstreams)
    {
        var paths = new List<PublicPathOptions>();
        foreach (var key in reader.Elements("Public"))
        {
            var pattern = ReadPath(reader, key + ":Path", paths);
            var given = Answers.Where(answer => reader.Has($"{key}:{answer}")).ToList();
            if (given.Count == 0) reader.Mistake(key, "has no answer, expected `Document`, `File` or `Upstream`", "\"File\": \"terraform.json\"");
            if (given.Count > 1)
                reader.Mistake(key, $"has {string.Join(" and ", given.Select(answer => $"`{answer}`"))}, expected one of them", "\"File\": \"terraform.json\"");
            var document = ReadDocument(reader, key + ":Document");
            var file = ReadFile(reader, key + ":File");
            var upstream = ReadUpstream(reader, key + ":Upstream", upstreams);
            if (pattern is not null) paths.Add(new(pattern) { Document = document, File = file, Upstream = upstream });
        }
        return paths;
    }

    private static PublicPattern? ReadPath(SettingsReader reader, string key, List<PublicPathOptions> others)
    {
        if (reader.Text(key) is not { } text) return null;
        if (!PublicPattern.TryParse(text, out var pattern, out var error))
        {
            reader.Mistake(key, $"`{ConfigurationText.Show(text)}` {error}");
            return null;
        }
        if (others.FirstOrDefault(other => other.Path.Overlaps(pattern)) is { } other)
            reader.Mistake(key, $"`{ConfigurationText.Show(text)}` overlaps with `{ConfigurationText.Show(other.Path.Text)}`: it must be clear which of them "
                + "answers");
        return pattern;
    }

    private static byte[]? ReadDocument(SettingsReader reader, string key)
    {
        if (reader.Json(key) is not { } json) return null;
        if (PublicDocument.Check(json) is { } problem) reader.Mistake(key, problem);
        // without the comments and trailing commas that a configuration may hold
        return Encoding.UTF8.GetBytes(JsonSerializer.Serialize(json, PublicDocument.Plain));
    }

    private static string? ReadFile(SettingsReader reader, string key)
    {
        if (reader.ExistingFile(key) is not { } file) return null;
        if (PublicDocument.TryRead(file, out _, out var problem)) return file;
        reader.Mistake(key, $"file `{ConfigurationText.Show(file)}` {problem}");
        return null;
    }

    private static string? ReadUpstream(SettingsReader reader, string key, IReadOnlyDictionary<string, UpstreamOptions> upstreams)
    {
        if (reader.Text(key) is not { } name) return null;
        if (upstreams.Count == 0) reader.Mistake(key, $"unknown upstream `{ConfigurationText.Show(name)}`, none is configured");
        else if (!upstreams.TryGetValue(name, out var upstream))
            reader.Mistake(key, $"unknown upstream `{ConfigurationText.Show(name)}`, configured: {ConfigurationText.List([.. upstreams.Keys])}");
        else if (upstream.Address is null) reader.Mistake(key, $"upstream `{name}` has no `Address` that is the same for everyone");
        return name;
    }
}
