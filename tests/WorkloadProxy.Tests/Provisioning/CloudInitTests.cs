using System.Text.Json;

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

    private const string Multipart = "Content-Type: multipart/mixed; boundary=\"B\"\nMIME-Version: 1.0\n\n--B\nContent-Type: text/cloud-config; charset=\"us-ascii\"\nMIME-Version: 1.0\n"
        + "Merge-Type: list(append)+dict(recurse_array)\n\n#cloud-config\nruncmd: [a]\n--B\n"
        + "Content-Type: text/x-shellscript\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"mine.sh\"\n\nIyEvYmluL3NoCmVjaG8gbWluZQo=\n--B--\n";

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
        { "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    #cloud-config\n    runcmd: [a]\n- |\n  #!/bin/sh\n  echo b\n", ["text/cloud-config", "text/x-shellscript"] },
        { "#cloud-boothook\n#!/bin/sh\necho boot\n", ["text/cloud-boothook"] },
        { "## template: jinja\n#cloud-config\nruncmd: [\"echo {{ v1.instance_id }}\"]\n", ["text/jinja2"] },
        { "#part-handler\ndef list_types(): return ['text/x-mine']\ndef handle_part(*a): pass\n", ["text/part-handler"] },
        { Multipart, ["text/cloud-config", "text/x-shellscript"] },
        { "From nobody Sat Dec 24 11:23:31 2010\n" + Multipart, ["text/cloud-config", "text/x-shellscript"] },
        { Multipart.Replace("\n", "\r\n", StringComparison.Ordinal), ["text/cloud-config", "text/x-shellscript"] },
        { Multipart.Replace("runcmd: [a]\n", "runcmd: [a]\r\n", StringComparison.Ordinal), ["text/cloud-config", "text/x-shellscript"] },
        { Multipart.Replace("\n--B--\n", "", StringComparison.Ordinal), ["text/cloud-config", "text/x-shellscript"] },
        { "MIME-Version: 1.0\nContent-Type: text/cloud-config\nX-Merge-Type: list(append)\n\n#cloud-config\nruncmd: [a]\n", ["text/cloud-config"] },
    };

    [Theory]
    [MemberData(nameof(UserData))]
    public async Task Cloud_init_finds_the_users_parts_as_they_were_and_the_script_beside_them(string userData, string[] types)
    {
        if (!Directory.Exists("/usr/lib/python3/dist-packages/cloudinit")) Assert.Skip("cloud-init is missing: apt-get install cloud-init");
        await using var test = await ProvisioningTest.StartAsync();
        var (_, wrapped) = await test.CreateAsync(userData);
        var ran = await Shell.RunAsync("/usr/bin/python3", ["-c", Processor], JsonSerializer.Serialize(new[] { userData, wrapped }));
        Assert.True(ran.ExitCode == 0, ran.Errors);
        var (alone, together) = (JsonDocument.Parse(ran.Output).RootElement[0].EnumerateArray().ToList(), JsonDocument.Parse(ran.Output).RootElement[1].EnumerateArray().ToList());
        Assert.Equal(types, together[..^1].Select(part => part[0].GetString()));
        // type, text and merge headers
        Assert.Equal(alone.Select(Told), together[..^1].Select(Told));
        var own = together[^1];
        Assert.Equal(("text/x-shellscript", "00-workload-proxy"), (own[0].GetString(), own[1].GetString()));
        Assert.StartsWith("#!/bin/sh\n", own[2].GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(ProvisioningTest.TokenIn(own[2].GetString()!));
    }

    private static string Told(JsonElement part) => $"{part[0]} {part[2]} {part[3]}";
}
