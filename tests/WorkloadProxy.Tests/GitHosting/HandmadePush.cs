using System.Net.Http.Headers;
using System.Text;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.GitHosting;

/// <summary>A push that no git client would make: any updates, with a pack of whatever commits.</summary>
internal static class HandmadePush
{
    public static async Task<Answer> SendAsync(HostedTest test, IReadOnlyList<(string Old, string New, string Name)> updates, string want, string? have = null,
        string capabilities = "report-status side-band-64k")
    {
        var packed = await test.Git.RunInAsync(test.Git.WorkTree, Encoding.ASCII.GetBytes($"{want}\n{(have is null ? "" : $"^{have}\n")}"), "pack-objects",
            "--revs", "-q", Path.Combine(test.Git.Home, "handmade"));
        Assert.True(packed.Succeeded, packed.Errors);
        return await SendPackAsync(test, updates, capabilities);
    }

    /// <summary>With the pack that <c>git pack-objects</c> made as <c>handmade</c> in the client's home.</summary>
    public static async Task<Answer> SendPackAsync(HostedTest test, IReadOnlyList<(string Old, string New, string Name)> updates,
        string capabilities = "report-status side-band-64k")
    {
        using var body = new MemoryStream();
        foreach (var (before, after, name) in updates)
        {
            var line = Encoding.UTF8.GetBytes($"{before} {after} {name}{(body.Length == 0 ? $"\0{capabilities}" : "")}");
            body.Write(Encoding.ASCII.GetBytes($"{line.Length + 4:x4}"));
            body.Write(line);
        }
        body.Write("0000"u8);
        foreach (var file in Directory.GetFiles(test.Git.Home, "handmade-*"))
        {
            if (file.EndsWith(".pack", StringComparison.Ordinal)) body.Write(await File.ReadAllBytesAsync(file));
            File.Delete(file);
        }
        var content = new ByteArrayContent(body.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-git-receive-pack-request");
        return await test.Proxy.SendAsync(HttpMethod.Post, "/git-receive-pack", test.Tokens.UserToken, content);
    }
}
