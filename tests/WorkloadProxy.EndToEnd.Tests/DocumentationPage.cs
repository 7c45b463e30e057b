namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>A fenced block of a page, the heading that it stands under, and the fenced block after it, if there is one under the same heading.</summary>
internal sealed record DocumentationBlock(string Heading, string Language, string Text)
{
    public DocumentationBlock? Next { get; init; }
}

/// <summary>A page of the documentation.</summary>
internal sealed record DocumentationPage(string Text, IReadOnlyList<DocumentationBlock> Blocks)
{
    public static DocumentationPage Read(string page)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Top, page));
        var lines = text.Split('\n');
        var blocks = new List<DocumentationBlock>();
        var heading = "";
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith('#')) heading = lines[i].TrimStart('#').Trim().Trim('`');
            var fence = lines[i].TrimStart();
            if (!fence.StartsWith("```", StringComparison.Ordinal)) continue;
            // a block in a list is indented
            var indent = lines[i].Length - fence.Length;
            var end = Array.FindIndex(lines, i + 1, line => line.Trim() == "```");
            blocks.Add(new DocumentationBlock(heading, fence[3..],
                string.Join('\n', lines[(i + 1)..end].Select(line => line.Length >= indent ? line[indent..] : line))));
            i = end;
        }
        for (var i = 0; i + 1 < blocks.Count; i++)
        {
            if (blocks[i + 1].Heading == blocks[i].Heading) blocks[i] = blocks[i] with { Next = blocks[i + 1] };
        }
        return new DocumentationPage(text, blocks);
    }

    /// <summary>The rows of the tables under a heading: the cells of the first column.</summary>
    public IReadOnlyList<string> FirstColumn(string heading)
    {
        var lines = Text.Split('\n');
        var start = Array.FindIndex(lines, line => line.StartsWith('#') && line.TrimStart('#').Trim() == heading);
        Assert.True(start >= 0, $"there is no heading `{heading}`");
        var section = lines.Skip(start + 1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal)).ToList();
        // the row above the dashes is the table's head
        return [.. section.Where((line, i) => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| ---", StringComparison.Ordinal)
            && section.ElementAtOrDefault(i + 1)?.StartsWith("| ---", StringComparison.Ordinal) != true)
            .Select(line => line.Split('|')[1].Trim())];
    }
}
