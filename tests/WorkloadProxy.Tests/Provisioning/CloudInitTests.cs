using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>What real cloud-init makes of the user data: its own processor reads what the cloud hands over.</summary>
public sealed class CloudInitTests
{
    private const string Processor = """
        import sys, json, tempfile
        from cloudinit import user_data, helpers, util
        paths = helpers.Paths({"cloud_dir": tempfile.mkdtemp(), "run_dir": tempfile.mkdtemp()})
        def kept(part): return {name: value for name, value in part.items() if name.lower() in ("merge-type", "x-merge-type")}
        def parts(data): return [[p.get_content_type(), p.get_filename(), util.fully_decoded_payload(p), kept(p)]
                                 for p in user_data.UserDataProcessor(paths).process(data).walk() if not user_data.is_skippable(p)]
        print(json.dumps([parts(text.encode()) for text in json.load(sys.stdin)]))
        """;

    private const string Multipart =
        "Content-Type: multipart/mixed; boundary=\"B\"\nMIME-Version: 1.0\n\n--B\nContent-Type: text/cloud-config; charset=\"us-ascii\"\nMIME-Version: 1.0\n"
        + "Merge-Type: list(append)+dict(recurse_array)\n\n#cloud-config\nruncmd: [a]\n--B\n"
        + "Content-Type: text/x-shellscript\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; "
        + "filename=\"mine.sh\"\n\nIyEvYmluL3NoCmVjaG8gbWluZQo=\n--B--\n";

    public static TheoryData<string, string[]> UserData => new()
    {
        { "#!/bin/sh\necho hello\n", ["text/x-shellscript"] },
        { "#!/bin/sh\necho no line end", ["text/x-shellscript"] },
        { "#!/bin/sh\r\necho carriage returns\r\n", ["text/x-shellscript"] },
        { "#!/bin/sh\necho 'grüße, 世界'\n", ["text/x-shellscript"] },
        { "#!/bin/sh\n# " + new string('x', 2000) + "\n", ["text/x-shellscript"] },
        { "#!/bin/sh\nsendmail <<E\nMIME-Version: 1.0\n\n--x\nE\n", ["text/x-shellscript"] },
        { "#!/bin/sh\nFrom here to there\n.\n--\n", ["text/x-shellscript"] },
        { "#cloud-config\nruncmd:\n  - echo hello\nwrite_files:\n  - path: /a\n    content: b\n", ["text/cloud-config"] },
        { "#cloud-config\nmerge_how: 'list(append)+dict(recurse_array)'\nruncmd: [a]\n", ["text/cloud-config"] },
        { "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    #cloud-config\n    runcmd: [a]\n- |\n  #!/bin/sh\n  echo b\n",
            ["text/cloud-config", "text/x-shellscript"] },
        { "#cloud-boothook\n#!/bin/sh\necho boot\n", ["text/cloud-boothook"] },
        { "## template: jinja\n#cloud-config\nruncmd: [\"echo {{ v1.instance_id }}\"]\n", ["text/jinja2"] },
        { "#part-handler\ndef list_types(): return ['text/x-mine']\ndef handle_part(*a): pass\n", ["text/part-handler"] },
        { Multipart, ["text/cloud-config", "text/x-shellscript"] },
        { "From nobody Sat Dec 24 11:23:31 2010\n" + Multipart, ["text/cloud-config", "text/x-shellscript"] },
        { Multipart.Replace("\n", "\r\n", StringComparison.Ordinal), ["text/cloud-config", "text/x-shellscript"] },
        { Multipart.Replace("runcmd: [a]\n", "runcmd: [a]\r\n", StringComparison.Ordinal), ["text/cloud-config", "text/x-shellscript"] },
        { Multipart.Replace("\n--B--\n", "", StringComparison.Ordinal), ["text/cloud-config", "text/x-shellscript"] },
        { "## template: jinja\n#!/bin/sh\necho {{ v1.instance_id }}\n", ["text/jinja2"] },
        { "\n\n#!/bin/sh\necho after empty lines\n", ["text/x-shellscript"] },
        // of what a user may write, nothing ends the part that it is in
        { "#!/bin/sh\necho\n--=-0\n--=-0--\n--\n\n--B--\n", ["text/x-shellscript"] },
        {
            Multipart.Replace("\"B\"", "\"=-0\"", StringComparison.Ordinal).Replace("--B", "--=-0", StringComparison.Ordinal),
            ["text/cloud-config", "text/x-shellscript"]
        },
        { "MIME-Version: 1.0\nContent-Type: text/cloud-config\nX-Merge-Type: list(append)\n\n#cloud-config\nruncmd: [a]\n", ["text/cloud-config"] },
    };

    [Theory]
    [MemberData(nameof(UserData))]
    public async Task Cloud_init_finds_the_users_parts_as_they_were_and_the_script_beside_them(string userData, string[] types)
    {
        await using var test = await ProvisioningTest.StartAsync();
        Assert.Equal(types, await PartsAsync(test, userData));
    }

    [Theory]
    [InlineData("#include\nADDRESS/one\n")]
    [InlineData("#include-once\nADDRESS/one\nADDRESS/two\n")]
    [InlineData("Content-Type: multipart/mixed; boundary=\"B\"\nMIME-Version: 1.0\n\n--B\nContent-Type: text/x-include-url\n\n#include\nADDRESS/one\n--B--\n")]
    public async Task What_an_include_file_names_is_fetched_as_without_the_script(string userData)
    {
        await using var test = await ProvisioningTest.StartAsync();
        var fetched = 0;
        test.Proxy.Sandbox.Intercept = async context =>
        {
            if (!context.Request.Headers.UserAgent.ToString().StartsWith("Cloud-Init", StringComparison.Ordinal)) return false;
            Interlocked.Increment(ref fetched);
            await context.Response.WriteAsync("#!/bin/sh\necho fetched\n");
            return true;
        };
        var types = await PartsAsync(test, userData.Replace("ADDRESS", test.Proxy.Sandbox.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal));
        Assert.Contains("text/x-shellscript", types);
        Assert.True(fetched >= 2, $"{fetched} files were fetched");
    }

    /// <summary>DigitalOcean hands user data over as text: what is encoded is nothing that cloud-init knows, with the script beside it or without.</summary>
    [Theory]
    [InlineData("IyEvYmluL3NoCmVjaG8gaGVsbG8K")]
    [InlineData("just a text")]
    public async Task What_cloud_init_does_not_know_stays_what_it_is_and_the_script_runs(string userData)
    {
        await using var test = await ProvisioningTest.StartAsync();
        var (_, together) = await ProcessAsync(test, userData);
        Assert.Equal(userData, together[0][2].GetString());
        Assert.Equal("00-workload-proxy", together[^1][1].GetString());
    }

    /// <summary>The types of the user's parts, which are those of the user data alone, as are their text and merge headers.</summary>
    private static async Task<IEnumerable<string?>> PartsAsync(ProvisioningTest test, string userData)
    {
        var (alone, together) = await ProcessAsync(test, userData);
        Assert.Equal(alone.Select(Told), together[..^1].Select(Told));
        var own = together[^1];
        Assert.Equal(("text/x-shellscript", "00-workload-proxy"), (own[0].GetString(), own[1].GetString()));
        Assert.StartsWith("#!/bin/sh\n", own[2].GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(ProvisioningTest.TokenIn(own[2].GetString()!));
        return together[..^1].Select(part => part[0].GetString());
    }

    private static async Task<(List<JsonElement> Alone, List<JsonElement> Together)> ProcessAsync(ProvisioningTest test, string userData)
    {
        if (!Directory.Exists("/usr/lib/python3/dist-packages/cloudinit")) Assert.Skip("cloud-init is missing: apt-get install cloud-init");
        var (_, wrapped) = await test.CreateAsync(userData);
        var ran = await Shell.RunAsync("/usr/bin/python3", ["-c", Processor], JsonSerializer.Serialize(new[] { userData, wrapped }));
        Assert.True(ran.ExitCode == 0, ran.Errors);
        var parts = JsonDocument.Parse(ran.Output).RootElement;
        return ([.. parts[0].EnumerateArray()], [.. parts[1].EnumerateArray()]);
    }

    private static string Told(JsonElement part) => $"{part[0]} {part[2]} {part[3]}";
}
