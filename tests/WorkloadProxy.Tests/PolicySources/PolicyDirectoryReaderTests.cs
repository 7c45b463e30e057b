using System.Diagnostics;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Directories;

namespace WorkloadProxy.Tests.PolicySources;

public sealed class PolicyDirectoryReaderTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void Only_policy_files_are_read_in_the_order_of_their_paths()
    {
        foreach (var name in (string[])["policies/b.hcl", "policies/a/c.hcl", "policies/README.md", "policies/.hidden.hcl", "policies/.git/x.hcl",
            ".roles/x.hcl", "gha-roles/z.hcl", "roles/y.hcl",
            "rolesx/x.hcl", "tests/t.hcl", "other/x.hcl", "top.hcl", "set.hcl", "policies/X.HCL"])
        {
            directory.Write(name, "# " + name);
        }
        var content = PolicyDirectoryReader.Read(directory.Path);
        Assert.Empty(content.Problems);
        Assert.Equal(["gha-roles/z.hcl", "policies/a/c.hcl", "policies/b.hcl", "roles/y.hcl", "set.hcl", "tests/t.hcl"],
            content.Files.Select(file => file.Path));
        Assert.Equal("# roles/y.hcl", System.Text.Encoding.UTF8.GetString(content.Files[3].Content.Span));
    }

    [Fact]
    public void Links_inside_the_directory_are_followed()
    {
        directory.Write("common/a.hcl", "# a");
        Link("policies/a.hcl", "../common/a.hcl");
        Link("roles", "common", isDirectory: true);
        var content = PolicyDirectoryReader.Read(directory.Path);
        Assert.Empty(content.Problems);
        Assert.Equal(["policies/a.hcl", "roles/a.hcl"], content.Files.Select(file => file.Path));
    }

    [Fact]
    public void A_directory_that_is_itself_a_link_is_read()
    {
        directory.Write("real/policies/a.hcl", "# a");
        Link("current", "real", isDirectory: true);
        var content = PolicyDirectoryReader.Read(Path.Combine(directory.Path, "current"));
        Assert.Empty(content.Problems);
        Assert.Single(content.Files);
    }

    [Theory]
    [InlineData("policies/x.hcl", "/etc/passwd", "link-leaves-directory")]
    [InlineData("policies/x.hcl", "../../../../../../../../etc/passwd", "link-leaves-directory")]
    [InlineData("policies/x", "/etc", "link-leaves-directory")]
    [InlineData("roles", "/", "link-leaves-directory")]
    [InlineData("policies/x.hcl", "nowhere.hcl", "broken-link")]
    [InlineData("policies/x.hcl", "x.hcl", "broken-link")]
    [InlineData("policies/up", "..", "link-loop")]
    [InlineData("policies/self", ".", "link-loop")]
    public void A_link_that_is_of_no_use_is_an_error(string link, string target, string code)
    {
        directory.Write("tests/ok.hcl", "");
        Link(link, target, isDirectory: !link.EndsWith(".hcl", StringComparison.Ordinal));
        var content = PolicyDirectoryReader.Read(directory.Path);
        var problem = Assert.Single(content.Problems);
        Assert.Equal(code, problem.Code);
        Assert.StartsWith(link, problem.Range.File);
        Assert.Equal(["tests/ok.hcl"], content.Files.Select(file => file.Path));
    }

    [Fact]
    public void A_link_through_another_link_cannot_leave_either()
    {
        Directory.CreateDirectory(Path.Combine(directory.Path, "policies"));
        Link("hop", "/etc", isDirectory: true);
        Link("policies/x.hcl", "../hop/passwd");
        Assert.Equal("link-leaves-directory", Assert.Single(PolicyDirectoryReader.Read(directory.Path).Problems).Code);
    }

    [Fact]
    public void Links_that_multiply_end_in_an_error_and_not_in_a_hang()
    {
        for (var i = 0; i < 30; i++)
        {
            Directory.CreateDirectory(Path.Combine(directory.Path, $"common/d{i}"));
            foreach (var name in (string[])["a", "b"]) Link($"common/d{i}/{name}", $"../d{i + 1}", isDirectory: true);
        }
        directory.Write("common/d30/x.hcl", "");
        Link("policies/all", "../common/d0", isDirectory: true);
        Assert.Equal("too-many-files", Assert.Single(PolicyDirectoryReader.Read(directory.Path).Problems).Code);
    }

    [Fact]
    public async Task A_pipe_is_never_opened()
    {
        Directory.CreateDirectory(Path.Combine(directory.Path, "policies"));
        using (var made = Process.Start("mkfifo", Path.Combine(directory.Path, "policies/pipe.hcl")))
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        var reading = Task.Run(() => PolicyDirectoryReader.Read(directory.Path));
        var content = await reading.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(0, Assert.Single(content.Files).Content.Length);
    }

    [Fact]
    public void A_file_over_4_MiB_is_an_error()
    {
        directory.Write("policies/big.hcl", new string('#', 4 * 1024 * 1024 + 1));
        directory.Write("policies/fits.hcl", new string('#', 4 * 1024 * 1024));
        var content = PolicyDirectoryReader.Read(directory.Path);
        Assert.Equal("the file has 4194305 bytes, over the limit of 4 MiB", Assert.Single(content.Problems).Summary);
        Assert.Equal(4 * 1024 * 1024, Assert.Single(content.Files).Content.Length);
    }

    [Fact]
    public void A_directory_that_does_not_exist_is_an_error() =>
        Assert.Equal("missing-directory", Assert.Single(PolicyDirectoryReader.Read(Path.Combine(directory.Path, "gone")).Problems).Code);

    [Fact]
    public void Contents_and_names_are_told_apart()
    {
        directory.Write("policies/a.hcl", "1");
        var first = PolicyDirectoryReader.Read(directory.Path);
        Assert.True(first.IsSameAs(PolicyDirectoryReader.Read(directory.Path)));
        directory.Write("policies/a.hcl", "2");
        var second = PolicyDirectoryReader.Read(directory.Path);
        Assert.False(first.IsSameAs(second));
        File.Move(Path.Combine(directory.Path, "policies/a.hcl"), Path.Combine(directory.Path, "policies/b.hcl"));
        var third = PolicyDirectoryReader.Read(directory.Path);
        Assert.False(second.IsSameAs(third));
        directory.Write("policies/c.hcl", "3");
        Assert.False(third.IsSameAs(PolicyDirectoryReader.Read(directory.Path)));
    }

    [Theory]
    [InlineData("policies/a/x.hcl", true)]
    [InlineData("policies/a", true)]
    [InlineData("policies", true)]
    [InlineData("policies/a/x.hcl.tmp", false)]
    [InlineData("policies/a/x", false)]
    [InlineData("policies/b/x.hcl", false)]
    public void A_file_that_is_listed_as_before_is_read_again_when_an_event_named_it_or_a_directory_above(string named, bool isRead)
    {
        directory.Write("policies/a/x.hcl", "1");
        directory.Write("policies/b/x.hcl", "1");
        var before = PolicyDirectoryReader.Read(directory.Path);
        Overwrite("policies/a/x.hcl", "2");
        var tree = PolicyTree.List(directory.Path);
        Assert.True(before.IsListedAs(tree));
        var changed = new ChangedPaths(new HashSet<string> { Path.Combine(directory.Path, named) }, false);
        Assert.Equal(isRead ? "2" : "1", Text(PolicyDirectoryReader.Read(tree, before, changed), 0));
        Assert.Equal("2", Text(PolicyDirectoryReader.Read(tree, before, ChangedPaths.All), 0));
        Assert.Equal("2", Text(PolicyDirectoryReader.Read(tree, null, changed), 0));
    }

    [Fact]
    public void A_file_that_is_listed_otherwise_is_read_whether_an_event_named_it_or_not()
    {
        directory.Write("policies/a.hcl", "1");
        directory.Write("policies/b.hcl", "1");
        var before = PolicyDirectoryReader.Read(directory.Path);
        directory.Write("policies/a.hcl", "22");
        directory.Write("policies/c.hcl", "3");
        File.Delete(Path.Combine(directory.Path, "policies/b.hcl"));
        var content = PolicyDirectoryReader.Read(PolicyTree.List(directory.Path), before, new ChangedPaths(new HashSet<string>(), false));
        Assert.Equal([("policies/a.hcl", "22"), ("policies/c.hcl", "3")], content.Files.Select((file, i) => (file.Path, Text(content, i))));
    }

    [Fact]
    public void A_file_is_named_by_a_links_path_and_by_that_which_it_leads_to()
    {
        directory.Write("common/a.hcl", "1");
        Link("policies/linked", "../common", isDirectory: true);
        var before = PolicyDirectoryReader.Read(directory.Path);
        Overwrite("common/a.hcl", "2");
        foreach (var named in (string[])["common/a.hcl", "policies/linked/a.hcl", "policies/linked"])
        {
            var changed = new ChangedPaths(new HashSet<string> { Path.Combine(directory.Path, named) }, false);
            Assert.Equal("2", Text(PolicyDirectoryReader.Read(PolicyTree.List(directory.Path), before, changed), 0));
        }
    }

    /// <summary>In place, with as many bytes, and its old time.</summary>
    private void Overwrite(string name, string content)
    {
        var path = Path.Combine(directory.Path, name);
        var written = File.GetLastWriteTimeUtc(path);
        File.WriteAllText(path, content);
        File.SetLastWriteTimeUtc(path, written);
    }

    private static string Text(PolicyDirectoryContent content, int file) => System.Text.Encoding.UTF8.GetString(content.Files[file].Content.Span);

    private void Link(string name, string target, bool isDirectory = false)
    {
        var path = Path.Combine(directory.Path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (isDirectory) Directory.CreateSymbolicLink(path, target);
        else File.CreateSymbolicLink(path, target);
    }
}
