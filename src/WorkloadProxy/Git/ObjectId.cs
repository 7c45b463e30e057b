using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Git;

/// <summary>The name of a git object: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits. Nothing else is ever given to git as a name of one.</summary>
internal readonly record struct ObjectId
{
    private readonly string? hex;

    private ObjectId(string hex) => this.hex = hex;

    /// <summary>All zeros: git's word for "there is none", before a ref is made and after it is deleted.</summary>
    public bool IsZero => hex is null || hex.AsSpan().IndexOfAnyExcept('0') < 0;

    /// <summary>Of the object's raw name in a tree.</summary>
    public int RawLength => ToString().Length / 2;

    public static bool TryParse([NotNullWhen(true)] string? text, out ObjectId id)
    {
        id = default;
        if (text is not { Length: 40 or 64 } || text.AsSpan().ContainsAnyExcept("0123456789abcdef")) return false;
        id = new ObjectId(text);
        return true;
    }

    public static ObjectId FromRaw(ReadOnlySpan<byte> raw) => new(Convert.ToHexStringLower(raw));

    public override string ToString() => hex ?? "";

    /// <summary>As people say it.</summary>
    public string Short => ToString() is { Length: > 12 } text ? text[..12] : ToString();
}
