using System.Globalization;
using WorkloadProxy.Configuration.Keys;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Configuration.Sources;

/// <summary>The table of keys as a tree: a key that is not in it is a mistake of the user's, or of the code that asks for it.</summary>
internal static class ConfigurationKeys
{
    /// <summary>ASP.NET's own sections: passed to it whole. Of <c>Kestrel</c> the keys are checked.</summary>
    public static readonly IReadOnlySet<string> Framework = new HashSet<string>(["Logging", "Kestrel", "AllowedHosts"], StringComparer.OrdinalIgnoreCase);

    /// <summary>Where an editor finds the schema of the file; nothing is read there.</summary>
    public const string SchemaKey = "$schema";

    /// <summary>In the order of the documentation. <c>Kestrel</c>'s keys are apart: they are ASP.NET's, and checked, not read.</summary>
    public static readonly IReadOnlyList<ConfigurationKey> Rows =
        [.. GeneralKeys.Rows, .. UpstreamKeys.Rows, .. IssuerKeys.Rows, .. PolicyKeys.Rows, .. CredentialKeys.Rows, .. ServiceKeys.Rows];

    public static readonly Node Kestrel = Build(KestrelKeys.Rows);

    /// <summary>The keys as a tree.</summary>
    public static readonly Node Root = Build(Rows);

    /// <summary>The names of a first part of ours: <c>Policies</c>, <c>Tokens</c>, …</summary>
    public static bool IsOurs(string name) => Root.Children.ContainsKey(name);

    /// <summary>A key that has no parts: it may stand in the environment without <c>__</c>.</summary>
    public static bool IsSingle(string name) => Root.Children.TryGetValue(name, out var node) && node.Row is not null;

    /// <summary>Whether an object at this key is one value, kept as its JSON text: its names are not ours, and may hold `:`.</summary>
    public static bool IsJson(string key) => Find(key) is { Row.Type: KeyType.Json };

    /// <summary>
    /// Null for a key that is not in the table. A name of the user's is any, also one that is malformed or empty, which is refused elsewhere.
    /// </summary>
    public static Node? Find(string key)
    {
        Node? node = RootOf(key);
        foreach (var part in key.Split(':')) node = node?.Any ?? node?.Children.GetValueOrDefault(part);
        return node;
    }

    /// <summary>What is wrong with the key itself or the shape of what is there; null if nothing is.</summary>
    public static ConfigurationMistake? Check(Setting setting)
    {
        var parts = setting.Key.Split(':');
        var node = RootOf(setting.Key);
        if ((node == Root && Framework.Contains(parts[0])) || setting.Key == SchemaKey) return null;
        for (var i = 0; i < parts.Length; i++)
        {
            var key = string.Join(':', parts[..(i + 1)]);
            var above = string.Join(':', parts[..i]);
            if (node.Row is not null && !node.IsList) return Mistake(above, $"must be one value, but is {(IsPlace(parts[i]) ? "a list" : "an object")}", node);
            if (node.Next(parts[i]) is { } next)
            {
                node = next;
                continue;
            }
            if (node.Any is not null && !node.IsList) return Mistake(above, "holds an empty name", node);
            if (KestrelKeys.Fixed.TryGetValue(key, out var reason)) return new(key, $"is fixed by the proxy: {reason}", null, setting.Origin);
            if (node.IsList) return Mistake(above, $"must be a list, but is an object with the name `{ConfigurationText.Show(parts[i])}`", node);
            if (i > 0 && IsPlace(parts[i])) return Mistake(above, "must be an object, but is a list", node);
            return NameSuggestion.Nearest(parts[i], node.Names) is { } nearest
                ? Mistake(key, $"unknown key, did you mean `{nearest}`?", node.Children[nearest])
                : Mistake(key, $"unknown key, expected {ConfigurationText.List(node.Names)}", node.Children.Values.First());
        }
        var isValue = node.Row is not null && !node.IsList;
        return (setting.Shape, isValue) switch
        {
            (SettingShape.Null, _) => null,
            (SettingShape.Value, true) => null,
            (SettingShape.Value, false) => Mistake(setting.Key, node.IsList ? "must be a list, but is one value" : "must be an object, but is one value", node),
            (SettingShape.EmptyList, _) when node.IsList => null,
            (SettingShape.EmptyObject, false) when !node.IsList => null,
            (SettingShape.EmptyList, _) => Mistake(setting.Key, isValue ? "must be one value, but is a list" : "must be an object, but is a list", node),
            _ => Mistake(setting.Key, isValue ? "must be one value, but is an object" : "must be a list, but is an object", node),
        };

        ConfigurationMistake Mistake(string key, string problem, Node example) => new(key, problem, example.FirstExample(), setting.Origin);
    }

    /// <summary>The example for a key: <c>"Context": "api://…"</c>.</summary>
    public static string? ExampleFor(string key) => Find(key)?.FirstExample();

    /// <summary>Whether it is a place in a list: no object of ours has such a name.</summary>
    private static bool IsPlace(string part) => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static Node RootOf(string key) => key.Split(':')[0].Equals(KestrelKeys.Section, StringComparison.OrdinalIgnoreCase) ? Kestrel : Root;

    private static Node Build(IEnumerable<ConfigurationKey> rows)
    {
        var root = new Node("");
        foreach (var row in rows)
        {
            var node = root;
            var parts = row.Path.Split(':');
            for (var i = 0; i < parts.Length; i++)
            {
                var part = parts[i];
                node.IsList |= part == "#";
                if (part == "#" && i == parts.Length - 1) node.Row = row;
                node = part is "#" or "*" ? node.Any ??= new Node(node.Name) : node.Child(part);
            }
            node.Row = row;
        }
        return root;
    }

    /// <summary>A part of a key: an object with <see cref="Children"/>, a list or a map of <see cref="Any"/>, or a value.</summary>
    internal sealed class Node(string name)
    {
        public string Name => name;
        public Dictionary<string, Node> Children { get; } = new(StringComparer.OrdinalIgnoreCase);
        public Node? Any { get; set; }
        public bool IsList { get; set; }
        /// <summary>Of a value; of a list of plain values, both at the list and at its <see cref="Any"/>.</summary>
        public ConfigurationKey? Row { get; set; }
        public string? Example => Row?.Example;
        public IReadOnlyList<string> Names => [.. Children.Keys];

        public Node Child(string child) => Children.TryGetValue(child, out var found) ? found : Children[child] = new Node(child);

        public Node? Next(string part)
        {
            if (Any is null) return Children.GetValueOrDefault(part);
            if (IsList && !IsPlace(part)) return null;
            return part.Length == 0 ? null : Any;
        }

        public string FirstExample() => $"\"{name}\": {FirstValue()}";

        private string FirstValue()
        {
            if (Example is not null) return Example;
            if (Any is not null) return IsList ? $"[{Any.FirstValue()}]" : $"{{ \"Example\": {Any.FirstValue()} }}";
            return $"{{ {Children.Values.First().FirstExample()} }}";
        }
    }
}
