using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>What runs on the VM: real cloud-init reads the user data, and the script in it runs with real curl and ssh-keygen; only the folders are this test's.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MachineTests
{
    // cloud-init's own processor, as it reads what the cloud hands over
    private const string Processor = """
        import sys, json, tempfile
        from cloudinit import user_data, helpers, util
        paths = helpers.Paths({"cloud_dir": tempfile.mkdtemp(), "run_dir": tempfile.mkdtemp()})
        message = user_data.UserDataProcessor(paths).process(sys.stdin.buffer.read())
        print(json.dumps([[p.get_content_type(), p.get_filename(), util.fully_decoded_payload(p)] for p in message.walk() if not user_data.is_skippable(p)]))
        """;

    public static TheoryData<string, string[]> UserData => new()
    {
        { "#!/bin/sh\necho hello\n", ["text/x-shellscript"] },
        { "#!/bin/sh\necho no line end", ["text/x-shellscript"] },
        { "#!/bin/sh\r\necho carriage returns\r\n", ["text/x-shellscript"] },
        { "#!/bin/sh\necho 'grüße, 世界'\n", ["text/x-shellscript"] },
        { "#!/bin/sh\nsendmail <<E\nMIME-Version: 1.0\n\n--x\nE\n", ["text/x-shellscript"] },
        { "#cloud-config\nruncmd:\n  - echo hello\nwrite_files:\n  - path: /a\n    content: b\n", ["text/cloud-config"] },
        { "#cloud-boothook\n#!/bin/sh\necho boot\n", ["text/cloud-boothook"] },
        { "## template: jinja\n#cloud-config\nruncmd: [\"echo {{ v1.instance_id }}\"]\n", ["text/jinja2"] },
        { "#part-handler\ndef list_types(): return ['text/x-mine']\ndef handle_part(*a): pass\n", ["text/part-handler"] },
        {
            "Content-Type: multipart/mixed; boundary=\"B\"\nMIME-Version: 1.0\n\n--B\nContent-Type: text/cloud-config; charset=\"us-ascii\"\nMIME-Version: 1.0\nMerge-Type: list(append)+dict(recurse_array)\n\n#cloud-config\nruncmd: [a]\n--B\n"
            + "Content-Type: text/x-shellscript\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"mine.sh\"\n\nIyEvYmluL3NoCmVjaG8gbWluZQo=\n--B--\n",
            ["text/cloud-config", "text/x-shellscript"]
        },
    };

    [Theory]
    [MemberData(nameof(UserData))]
    public async Task Cloud_init_finds_the_users_parts_as_they_were_and_the_script_beside_them(string userData, string[] types)
    {
        RequireCloudInit();
        await using var test = await ProvisioningTest.StartAsync();
        var (_, wrapped) = await test.CreateAsync(userData);
        var (alone, together) = (await PartsAsync(userData), await PartsAsync(wrapped));
        Assert.Equal(types, together[..^1].Select(part => part.Type));
        Assert.Equal(alone.Where(part => types.Contains(part.Type)).Select(part => part.Text), together[..^1].Select(part => part.Text));
        var own = together[^1];
        Assert.Equal(("text/x-shellscript", "00-workload-proxy"), (own.Type, own.Name));
        Assert.StartsWith("#!/bin/sh\n", own.Text, StringComparison.Ordinal);
        Assert.Contains(ProvisioningTest.TokenIn(wrapped.Contains(own.Text[..200], StringComparison.Ordinal) ? wrapped : own.Text), own.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_script_proves_the_machine_and_keeps_its_files_fresh()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var (_, wrapped) = await test.CreateAsync();
        var root = Path.Combine(test.Files.Path, "root");
        var script = Script(test, wrapped, root);
        var secrets = Path.Combine(root, "root/secrets/digitalocean.com/serviceaccount");

        var first = await RunAsync(script);
        Assert.True(File.Exists(Path.Combine(secrets, "token")), first.Errors);
        Assert.Equal(0, first.ExitCode);
        Assert.Equal(test.Proxy.Options.PublicUrl, File.ReadAllText(Path.Combine(secrets, "base_url")));
        Assert.Equal(Serving.TestProxy.Team, File.ReadAllText(Path.Combine(secrets, "team_uuid")));
        var (token, refresh) = (File.ReadAllText(Path.Combine(secrets, "token")), File.ReadAllText(Path.Combine(secrets, "refresh_token")));
        foreach (var file in Directory.GetFiles(secrets)) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(secrets));

        var second = await RunAsync(Path.Combine(root, "sbin/workload-proxy-identity"), "run");
        Assert.True(second.ExitCode == 0, second.Errors);
        Assert.NotEqual(token, File.ReadAllText(Path.Combine(secrets, "token")));
        Assert.NotEqual(refresh, File.ReadAllText(Path.Combine(secrets, "refresh_token")));
        await test.Proxy.ExchangeAsync(File.ReadAllText(Path.Combine(secrets, "token")), "database-and-spaces-keys-access");

        // a proxy that does not answer leaves what is there
        await test.Proxy.StopServerAsync();
        token = File.ReadAllText(Path.Combine(secrets, "token"));
        Assert.Equal(1, (await RunAsync(Path.Combine(root, "sbin/workload-proxy-identity"), "run")).ExitCode);
        Assert.Equal(token, File.ReadAllText(Path.Combine(secrets, "token")));
        await VerifyUnitsAsync(root);
    }

    [Fact]
    public async Task The_script_ends_well_when_the_proxy_refuses()
    {
        await using var test = await ProvisioningTest.StartAsync();
        var (id, wrapped) = await test.CreateAsync();
        await test.DestroyAsync(id);
        var root = Path.Combine(test.Files.Path, "root");
        var ran = await RunAsync(Script(test, wrapped, root, "sleep() { :; }\n"));
        Assert.Equal(0, ran.ExitCode);
        Assert.Contains("not proved yet (403)", ran.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(root, "root/secrets/digitalocean.com")));
    }

    private static string Script(ProvisioningTest test, string userData, string root, string before = "")
    {
        Directory.CreateDirectory(Path.Combine(root, "sbin"));
        Directory.CreateDirectory(Path.Combine(root, "units"));
        Directory.CreateDirectory(Path.Combine(root, "ssh"));
        foreach (var end in new[] { "", ".pub" }) File.Copy(test.HostKey + end, Path.Combine(root, "ssh", "ssh_host_ed25519_key" + end));
        File.SetUnixFileMode(Path.Combine(root, "ssh", "ssh_host_ed25519_key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var text = userData[userData.IndexOf("#!/bin/sh", StringComparison.Ordinal)..userData.LastIndexOf("\n--", StringComparison.Ordinal)];
        text = text.Replace("\numask 077\n", $"\numask 077\nsshd() {{ return 1; }}\nsystemctl() {{ :; }}\n{before}", StringComparison.Ordinal)
            .Replace("=/root/secrets", $"={root}/root/secrets", StringComparison.Ordinal).Replace("=/var/lib", $"={root}/var/lib", StringComparison.Ordinal)
            .Replace("=/usr/local/sbin/workload", $"={root}/sbin/workload", StringComparison.Ordinal).Replace("=/etc/systemd/system", $"={root}/units", StringComparison.Ordinal)
            .Replace("=/etc/ssh", $"={root}/ssh", StringComparison.Ordinal);
        return test.Files.Write("script", text);
    }

    private static async Task VerifyUnitsAsync(string root)
    {
        const string Program = "/usr/bin/systemd-analyze";
        if (!File.Exists(Program)) Assert.Skip($"`{Program}` is missing: apt-get install systemd");
        var ran = await StartAsync(Program, ["verify", "--man=no", Path.Combine(root, "units/workload-proxy-identity.timer"), Path.Combine(root, "units/workload-proxy-identity.service")], "");
        Assert.DoesNotContain("workload-proxy-identity", ran.Errors, StringComparison.Ordinal);
        Assert.Equal(0, ran.ExitCode);
    }

    private static Task<(int ExitCode, string Output, string Errors)> RunAsync(string script, params string[] arguments) => StartAsync("/bin/sh", [script, .. arguments], "");

    private static async Task<List<(string Type, string? Name, string Text)>> PartsAsync(string userData)
    {
        var ran = await StartAsync("/usr/bin/python3", ["-c", Processor], userData);
        Assert.True(ran.ExitCode == 0, ran.Errors);
        return [.. JsonDocument.Parse(ran.Output).RootElement.EnumerateArray().Select(part => (part[0].GetString()!, part[1].GetString(), part[2].GetString()!))];
    }

    private static async Task<(int ExitCode, string Output, string Errors)> StartAsync(string program, string[] arguments, string input)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, StandardInputEncoding = new UTF8Encoding(false), StandardOutputEncoding = Encoding.UTF8,
        })!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }

    private static void RequireCloudInit()
    {
        if (!Directory.Exists("/usr/lib/python3/dist-packages/cloudinit")) Assert.Skip("cloud-init is missing: apt-get install cloud-init");
    }
}
