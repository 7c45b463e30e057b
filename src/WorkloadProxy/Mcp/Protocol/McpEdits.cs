using System.Buffers;
using System.Text;

namespace WorkloadProxy.Mcp.Protocol;

/// <summary>Replacements in a text of which everything else stays byte for byte.</summary>
internal sealed class McpEdits
{
    private readonly List<(int Start, int End, string Text)> edits = [];

    public bool Any => edits.Count > 0;

    public void Replace(Range range, string text) => edits.Add((range.Start.Value, range.End.Value, text));

    public byte[] Apply(ReadOnlySpan<byte> source)
    {
        var output = new ArrayBufferWriter<byte>(source.Length + 64);
        var at = 0;
        foreach (var (start, end, text) in edits.OrderBy(edit => edit.Start))
        {
            output.Write(source[at..start]);
            output.Write(Encoding.UTF8.GetBytes(text));
            at = end;
        }
        output.Write(source[at..]);
        return output.WrittenSpan.ToArray();
    }
}
