namespace WorkloadProxy.Configuration.Keys;

/// <summary>
/// A row of the table of keys. Whatever is said of a key is said here alone: the reader takes its type, default and bounds from it, an unknown or malformed key
/// is refused by it, and the JSON schema and the table in <c>docs/operations.md</c> are made of it.
/// </summary>
/// <param name="Path">In it, <c>*</c> stands for a name that the user gives and <c>#</c> for a place in a list.</param>
/// <param name="Type">Of the value; in a list or map (<paramref name="Path"/> ends in <c>#</c> or <c>*</c>), of each element.</param>
/// <param name="Meaning">One sentence for the documentation and for editors, without links. May be empty where the name says it all.</param>
internal sealed record ConfigurationKey(string Path, KeyType Type, string Meaning)
{
    /// <summary>The value of a key that is absent, as it would be written.</summary>
    public string? Default { get; init; }

    /// <summary>For the documentation: what absence means where there is no <see cref="Default"/>.</summary>
    public string? Absent { get; init; }

    /// <summary>Whether absence is a mistake wherever the key is read.</summary>
    public bool Required { get; init; }

    /// <summary>Whether an explicit null means something else than absence: that there is no limit.</summary>
    public bool MayBeNull { get; init; }

    public IReadOnlyList<string> Choices { get; init; } = [];

    public string? Least { get; init; }

    public string? Most { get; init; }

    /// <summary>For the documentation: what kind of text, or of list.</summary>
    public string? Form { get; init; }

    /// <summary>For the documentation: where more is written.</summary>
    public string? More { get; init; }

    /// <summary>A value as JSON, which error messages show; of a list, the whole list.</summary>
    public string Example
    {
        get => field ?? Json(Default ?? throw new InvalidOperationException($"`{Path}` has neither an example nor a default"));
        init;
    }

    public bool IsList => Path.EndsWith(":#", StringComparison.Ordinal);

    /// <summary>A plain value as JSON.</summary>
    public string Json(string value) => Type is KeyType.Number or KeyType.Size || value is "true" or "false" ? value : $"\"{value}\"";
}
