using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>
/// A JSON file, comments and trailing commas permitted, as settings with the places where they stand. ASP.NET's own provider reads such files too, but
/// knows no places and takes a null for an absent key.
/// </summary>
internal sealed class SettingsFile
{
    private const int MaxLength = 4 * 1024 * 1024;
    private readonly List<Setting> settings = [];
    private readonly List<string> replaces = [];
    private readonly Dictionary<string, string> places = new(StringComparer.OrdinalIgnoreCase);
    private readonly string name;
    private readonly byte[] text;
    private int placed, lineStart, line = 1;

    private SettingsFile(string name, byte[] text) => (this.name, this.text) = (name, text);

    public IReadOnlyList<Setting> Settings => settings;

    /// <summary>Keys of lists and nulls: they replace whatever an earlier file has under them.</summary>
    public IReadOnlyList<string> Replaces => replaces;

    /// <summary>Reads the file at <paramref name="path"/>, called <paramref name="name"/> in messages; null if it is not JSON. Mistakes are added.</summary>
    public static SettingsFile? Read(string path, string name, List<ConfigurationMistake> mistakes)
    {
        try
        {
            if (Directory.Exists(path)) return Refuse("is a directory, expected a file");
            if (new FileInfo(path).Length > MaxLength) return Refuse("is over 4 MiB");
            var text = File.ReadAllBytes(path);
            return Parse(text, name, mistakes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Refuse(error is FileNotFoundException or DirectoryNotFoundException ? "file does not exist" : "can't be read: "
                + error.Message.TrimEnd('.'));
        }

        SettingsFile? Refuse(string problem)
        {
            mistakes.Add(new(name, problem, "workload-proxy --config /etc/workload-proxy/config.json", null));
            return null;
        }
    }

    public static SettingsFile? Parse(byte[] text, string name, List<ConfigurationMistake> mistakes)
    {
        var file = new SettingsFile(name, text.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? text[Encoding.UTF8.Preamble.Length..] : text);
        if (!Utf8.IsValid(file.text))
        {
            mistakes.Add(new(name, "is not UTF-8", null, null));
            return null;
        }
        try
        {
            var reader = new Utf8JsonReader(file.text, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                mistakes.Add(new(name, "is not a JSON object", """{ "PublicUrl": "https://proxy.example.com" }""", null));
                return null;
            }
            file.ReadObject(ref reader, "", mistakes);
            while (reader.Read()) { }
            return file;
        }
        catch (JsonException error)
        {
            // the number of the line is the parser's, from 0; its column counts bytes
            var line = (int)(error.LineNumber ?? 0);
            var column = file.CharactersBefore(line, (int)(error.BytePositionInLine ?? 0)) + 1;
            mistakes.Add(new($"{name}:{line + 1}:{column}", "is not valid JSON: " + Sentence(error.Message), null, null));
        }
        catch (InvalidOperationException)
        {
            mistakes.Add(new(name, "is not valid JSON: a string holds half a surrogate pair", null, null));
        }
        return null;
    }

    private void ReadObject(ref Utf8JsonReader reader, string prefix, List<ConfigurationMistake> mistakes)
    {
        var empty = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            empty = false;
            var place = Place(reader.TokenStartIndex);
            var key = prefix + reader.GetString();
            reader.Read();
            ReadValue(ref reader, key, place, mistakes);
        }
        if (empty && prefix.Length > 0) Add(new(prefix[..^1], null, places[prefix[..^1]], SettingShape.EmptyObject));
    }

    private void ReadValue(ref Utf8JsonReader reader, string key, string place, List<ConfigurationMistake> mistakes)
    {
        if (!places.TryAdd(key, place))
        {
            mistakes.Add(new(key, $"appears twice, first at {places[key]}", null, place));
            reader.Skip();
            return;
        }
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject when ConfigurationKeys.IsJson(key):
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                Add(new(key, Encoding.UTF8.GetString(text[start..(int)reader.BytesConsumed]), place));
                break;
            case JsonTokenType.StartObject:
                ReadObject(ref reader, key + ":", mistakes);
                break;
            case JsonTokenType.StartArray:
                replaces.Add(key);
                var index = 0;
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    ReadValue(ref reader, $"{key}:{index++.ToString(CultureInfo.InvariantCulture)}", Place(reader.TokenStartIndex), mistakes);
                if (index == 0) Add(new(key, null, place, SettingShape.EmptyList));
                break;
            case JsonTokenType.Null:
                replaces.Add(key);
                Add(new(key, null, place, SettingShape.Null));
                break;
            case JsonTokenType.String:
                Add(new(key, reader.GetString(), place));
                break;
            default:
                Add(new(key, Encoding.UTF8.GetString(reader.ValueSpan), place));
                break;
        }
    }

    private void Add(Setting setting) => settings.Add(setting);

    private string Place(long offset)
    {
        // offsets only grow
        for (; placed < offset; placed++)
        {
            if (text[placed] != '\n') continue;
            line++;
            lineStart = placed + 1;
        }
        return $"{name}:{line}:{Encoding.UTF8.GetCharCount(text.AsSpan(lineStart..(int)offset)) + 1}";
    }

    private int CharactersBefore(int line, int bytes)
    {
        var rest = text.AsSpan();
        for (; line > 0; line--) rest = rest[(rest.IndexOf((byte)'\n') + 1)..];
        return Encoding.UTF8.GetCharCount(rest[..Math.Min(bytes, rest.Length)]);
    }

    private static string Sentence(string message)
    {
        // this one quotes the rest of the file, secrets too
        if (message.Contains("is an invalid JSON literal", StringComparison.Ordinal)) return "a word has no quotes";
        var end = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var text = (end < 0 ? message : message[..end]).TrimEnd('.', ' ');
        return text.Length == 0 ? text : char.ToLowerInvariant(text[0]) + text[1..];
    }
}
