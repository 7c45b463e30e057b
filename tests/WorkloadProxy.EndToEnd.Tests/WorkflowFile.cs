namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>The sample workflow, as far as running its steps by hand needs it: the text blocks of its steps.</summary>
internal sealed class WorkflowFile(string path)
{
    private readonly string[] lines = File.ReadAllLines(path);

    /// <summary>The literal block (<c>key: |</c>) of the step with this id.</summary>
    public string Block(string step, string key)
    {
        var start = Array.FindIndex(lines, line => line.Trim() == $"id: {step}");
        Assert.True(start >= 0, $"no step `{step}`");
        var head = Array.FindIndex(lines, start, line => line.Trim() == $"{key}: |");
        Assert.True(head >= 0, $"step `{step}` has no `{key}`");
        var indent = Indent(lines[head]) + 2;
        return string.Join('\n', lines.Skip(head + 1).TakeWhile(line => line.Length == 0 || Indent(line) >= indent)
            .Select(line => line.Length == 0 ? line : line[indent..]));
    }

    private static int Indent(string line) => line.Length - line.TrimStart().Length;
}
