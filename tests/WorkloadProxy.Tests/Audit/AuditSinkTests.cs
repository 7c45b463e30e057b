using System.Text;
using WorkloadProxy.Audit;

namespace WorkloadProxy.Tests.Audit;

/// <summary>One look at the path is all that a write costs, and still no line goes where nobody finds it.</summary>
public sealed class AuditSinkTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly string path;
    private readonly AuditSink sink;

    public AuditSinkTests()
    {
        path = Path.Combine(directory.Path, "audit.jsonl");
        sink = new AuditSink(path);
        Write("first");
    }

    [Fact]
    public void A_file_that_took_the_place_of_the_old_one_gets_the_next_line()
    {
        File.Move(path, path + ".1");
        File.WriteAllText(path, "");

        Write("second");

        Assert.Equal(("first\n", "second\n"), (File.ReadAllText(path + ".1"), File.ReadAllText(path)));
    }

    [Fact]
    public void A_file_that_was_emptied_in_place_gets_the_next_line_at_its_beginning()
    {
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(0);

        Write("second");

        Assert.Equal("second\n", File.ReadAllText(path));
    }

    [Fact]
    public void A_path_that_is_a_link_is_followed_anew_when_it_leads_elsewhere()
    {
        var (link, other) = (Path.Combine(directory.Path, "link"), Path.Combine(directory.Path, "other"));
        File.CreateSymbolicLink(link, path);
        using var linked = new AuditSink(link);
        linked.Write("second\n"u8);
        File.Delete(link);
        File.CreateSymbolicLink(link, other);
        File.Delete(path);

        linked.Write("third\n"u8);

        Assert.Equal("third\n", File.ReadAllText(other));
    }

    public void Dispose()
    {
        sink.Dispose();
        directory.Dispose();
    }

    private void Write(string line) => sink.Write(Encoding.ASCII.GetBytes(line + "\n"));
}
