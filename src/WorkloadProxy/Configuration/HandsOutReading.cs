using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary><c>HandsOut</c> of an upstream, and the <c>PassThrough</c> that goes with it.</summary>
internal static class HandsOutReading
{
    private const string Mode = "handed-out";

    /// <summary>Whether only those tokens pass which came through the proxy.</summary>
    public static bool IsHandedOut(SettingsReader reader, string key) =>
        Mode.Equals(reader.Find(key + ":PassThrough")?.Value, StringComparison.OrdinalIgnoreCase);

    public static IReadOnlyList<HandsOutOptions> Read(SettingsReader reader, UpstreamKind kind, string key)
    {
        var entries = reader.Elements(key + ":HandsOut");
        var isMode = IsHandedOut(reader, key);
        if (isMode && entries.Count == 0)
            reader.Mistake(key + ":HandsOut", "is missing: with `\"PassThrough\": \"handed-out\"` it says which answers hold a token");
        if (!isMode && entries.Count > 0)
            reader.Mistake(key + ":PassThrough", "is not `handed-out`, and `HandsOut` is given", "\"PassThrough\": \"handed-out\"");
        if (isMode && kind != UpstreamKind.Http) reader.Mistake(key + ":PassThrough", "`handed-out` is for upstreams of kind `http`");
        var read = new List<HandsOutOptions>();
        foreach (var entry in entries)
        {
            var path = reader.Text(entry + ":Path");
            if (path is not null && !(RequestTarget.TryParse(path, out var target, out _, out _) && target.Path == path && !target.IsOwnPath))
                reader.Mistake(entry + ":Path", $"`{ConfigurationText.Show(path)}` is not the exact path of a request");
            if (read.Any(other => other.Path == path)) reader.Mistake(entry + ":Path", $"`{ConfigurationText.Show(path!)}` is given twice");
            var token = reader.Text(entry + ":Token");
            if (token is ['#', ..] && ProtobufMessage.FieldOf(token) is null)
                reader.Mistake(entry + ":Token", $"`{ConfigurationText.Show(token)}` is not the number of a field, expected for instance `#2`");
            var lifetime = reader.DurationOrNone(entry + ":Lifetime");
            if (path is not null && token is not null && lifetime is { } life) read.Add(new(path, token, life));
        }
        return isMode ? read : [];
    }
}
