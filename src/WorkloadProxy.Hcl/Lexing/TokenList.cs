using System.Buffers;

namespace WorkloadProxy.Hcl;

/// <summary>The tokens of one file, in a pooled array: 4 MiB of commas are four million of them.</summary>
internal sealed class TokenList(string file, int expected) : IDisposable
{
    private Token[] tokens = ArrayPool<Token>.Shared.Rent(Math.Max(expected, 16));

    public int Count { get; private set; }

    public ref readonly Token this[int index] => ref tokens[index];

    public void Add(Token token)
    {
        if (Count == tokens.Length)
        {
            var larger = ArrayPool<Token>.Shared.Rent(tokens.Length * 2);
            tokens.CopyTo(larger, 0);
            ArrayPool<Token>.Shared.Return(tokens);
            tokens = larger;
        }
        tokens[Count++] = token;
    }

    public SourcePosition Start(int index) => new(tokens[index].Start, tokens[index].Line, tokens[index].Column);

    public SourcePosition End(int index)
    {
        ref readonly var token = ref tokens[index];
        if (index == Count - 1)
            return Start(index);
        ref readonly var next = ref tokens[index + 1];
        return new(token.End, next.Line, next.Column - (next.Start - token.End));
    }

    public SourceRange Range(int index) => new(file, Start(index), End(index));

    public SourceRange Range(int first, int last) => new(file, Start(first), End(last));

    public void Dispose()
    {
        ArrayPool<Token>.Shared.Return(tokens);
        tokens = [];
        Count = 0;
    }
}
