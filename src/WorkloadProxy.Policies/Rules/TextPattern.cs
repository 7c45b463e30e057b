namespace WorkloadProxy.Policies;

internal sealed class TextPattern
{
    private readonly string[] parts;
    private TextPattern(string[] parts) => this.parts = parts;

    public bool IsLiteral => parts.Length == 1;
    public string LiteralPrefix => parts[0];

    public static TextPattern Compile(string text, AuthContext context)
        => new([.. text.Split('*').Select(part => part.Replace("{actx}", context.Id).Replace("<actx>", context.Id))]);

    public bool Matches(ReadOnlySpan<char> value)
    {
        if (IsLiteral) return value.SequenceEqual(parts[0]);
        if (!value.StartsWith(parts[0])) return false;
        value = value[parts[0].Length..];
        foreach (var part in parts.AsSpan(1, parts.Length - 2))
        {
            var at = value.IndexOf(part);
            if (at < 0) return false;
            value = value[(at + part.Length)..];
        }
        return value.EndsWith(parts[^1]);
    }
}
