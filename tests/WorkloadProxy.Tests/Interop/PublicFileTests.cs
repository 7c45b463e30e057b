using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WorkloadProxy.Endpoints;

namespace WorkloadProxy.Tests.Interop;

/// <summary>A public document in a file that changes.</summary>
public sealed class PublicFileTests
{
    [Fact]
    public void A_changed_file_is_answered_after_two_seconds_and_a_broken_one_never()
    {
        using var folder = new TemporaryDirectory();
        var time = new FakeTimeProvider();
        var path = folder.Write("terraform.json", """{"a":1}""");
        var file = new PublicFile(path, time, NullLogger.Instance);
        Assert.Equal("""{"a":1}""", Now());

        File.WriteAllText(path, """{"a":2}""");
        Assert.Equal("""{"a":1}""", Now());
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("""{"a":2}""", Now());

        foreach (var broken in (string[])["""{"a":""", """{"a":1,"a":2}""", "[]", """{"login.v1":{"authz":"/auth","token":"/token"}}""",
            """{"a":""" + new string('1', 1024 * 1024) + "}"])
        {
            File.WriteAllText(path, broken);
            time.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal("""{"a":2}""", Now());
        }
        File.Delete(path);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("""{"a":2}""", Now());
        File.WriteAllText(path, """{"a":3}""");
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("""{"a":3}""", Now());

        string Now() => Encoding.UTF8.GetString(file.Current());
    }
}
