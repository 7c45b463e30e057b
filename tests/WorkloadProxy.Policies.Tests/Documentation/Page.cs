using System.Text;

namespace WorkloadProxy.Policies.Tests;

/// <summary>A fenced block of a page: what stands behind the fence, and the text. <see cref="Line"/> counts from 1.</summary>
internal sealed record Fence(string Language, string Argument, string Text, int Line, int First, int Last);

/// <summary>A heading and the fenced blocks below it, up to the next heading.</summary>
internal sealed record Section(string Page, string Title, string Under, IReadOnlyList<Fence> Fences)
{
    public IEnumerable<Fence> Of(string language) => Fences.Where(fence => fence.Language == language);

    public override string ToString() => Title;
}

/// <summary>
/// A page of <c>docs/</c>. With <c>WORKLOAD_PROXY_UPDATE_DOCS=1</c> what examples print is written into the page in place of being compared with it.
/// </summary>
internal static class Page
{
    public static bool Updates { get; } = Environment.GetEnvironmentVariable("WORKLOAD_PROXY_UPDATE_DOCS") == "1";

    public static string Top { get; } = FindTop();

    public static IReadOnlyList<Section> Sections(string page)
    {
        var lines = File.ReadAllLines(PathOf(page));
        var sections = new List<Section>();
        var (title, under, fences) = ("", "", new List<Fence>());
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("```", StringComparison.Ordinal))
            {
                var end = Array.IndexOf(lines, "```", i + 1);
                var info = lines[i][3..].Split(' ', 2);
                fences.Add(new Fence(info[0], info.ElementAtOrDefault(1) ?? "", string.Join('\n', lines[(i + 1)..end]), i + 1, i + 1, end));
                i = end;
            }
            else if (lines[i].StartsWith('#'))
            {
                sections.Add(new Section(page, title, under, fences));
                (title, fences) = (lines[i].TrimStart('#').Trim().Trim('`'), []);
                if (lines[i].StartsWith("## ", StringComparison.Ordinal)) under = title;
            }
        }
        sections.Add(new Section(page, title, under, fences));
        return sections;
    }

    /// <summary>Compares what an example printed with what its block says; or writes it there.</summary>
    public static void Expect(string page, string title, int block, string language, string printed)
    {
        // found again each time: an update moves what follows
        var fence = Sections(page).Single(section => section.Title == title).Of(language).ElementAt(block);
        if (!Updates)
        {
            Assert.Equal(fence.Text, printed);
            return;
        }
        var lines = File.ReadAllLines(PathOf(page)).ToList();
        lines.RemoveRange(fence.First, fence.Last - fence.First);
        lines.InsertRange(fence.First, printed.Length == 0 ? [] : printed.Split('\n'));
        File.WriteAllText(PathOf(page), string.Join('\n', lines) + "\n", new UTF8Encoding(false));
    }

    private static string PathOf(string page) => Path.Combine(Top, "docs", page);

    private static string FindTop()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "WorkloadProxy.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
