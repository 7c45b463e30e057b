using System.Text;

namespace WorkloadProxy.Git;

/// <summary>
/// All refs of a repository as text: a line <c>&lt;id&gt; SP &lt;name&gt; LF</c> for each, in the ordinal order of their names. Two repositories with equal
/// texts are at the same commits.
/// </summary>
internal sealed record RefList(string Text)
{
    public static readonly RefList Empty = new("");

    public IEnumerable<(ObjectId Id, string Name)> Items
    {
        get
        {
            foreach (var line in Text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var space = line.IndexOf(' ');
                var name = line[(space + 1)..];
                if (space > 0 && ObjectId.TryParse(line[..space], out var id) && name.StartsWith("refs/", StringComparison.Ordinal)) yield return (id, name);
            }
        }
    }

    /// <summary>Null where there is no such ref.</summary>
    public ObjectId? Find(string name)
    {
        foreach (var (id, found) in Items) if (found == name) return id;
        return null;
    }

    /// <summary>Reads a bare repository's files. A ref whose file is damaged has a line that equals no good one.</summary>
    /// <exception cref="IOException">The repository can't be read.</exception>
    public static RefList Read(string repository)
    {
        var refs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var packed = Path.Combine(repository, "packed-refs");
        if (File.Exists(packed))
        {
            foreach (var line in File.ReadLines(packed).Where(line => line.Length > 0 && line[0] is not ('#' or '^')))
            {
                var space = line.IndexOf(' ');
                if (space > 0) refs[line[(space + 1)..]] = line[..space];
            }
        }
        foreach (var (name, path) in LooseRefs.Files(repository).Where(file => !file.Name.EndsWith(".lock", StringComparison.Ordinal)))
            refs[name] = ObjectId.TryParse(File.ReadAllText(path).TrimEnd('\n'), out var id) ? id.ToString() : "?";
        var list = new StringBuilder();
        foreach (var (name, id) in refs) list.Append(id).Append(' ').Append(name).Append('\n');
        return new RefList(list.ToString());
    }

    /// <summary>
    /// What <c>git update-ref --stdin -z</c> has to do to get from <paramref name="before"/> to here: first what goes, for a branch <c>a</c> stands in the way
    /// of <c>a/b</c>.
    /// </summary>
    public (string Deletions, string Updates) ChangesFrom(RefList before)
    {
        var (old, wanted) = (before.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            Items.ToDictionary(item => item.Name, item => item.Id, StringComparer.Ordinal));
        var gone = old.Select(line => line[(line.IndexOf(' ') + 1)..]).Where(name => !wanted.ContainsKey(name));
        var lines = old.ToHashSet(StringComparer.Ordinal);
        var changed = Items.Where(item => !lines.Contains($"{item.Id} {item.Name}"));
        return (string.Concat(gone.Select(name => $"delete {name}\0\0")), string.Concat(changed.Select(item => $"update {item.Name}\0{item.Id}\0\0")));
    }
}
