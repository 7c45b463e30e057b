using System.Text.Json.Nodes;
using WorkloadProxy.Tests.Serving;

namespace WorkloadProxy.Tests.Provisioning;

/// <summary>What happens on the VM: it boots with the user data that the cloud was given, and then the tutorial's commands are typed on it.</summary>
public sealed class MachineTests
{
    private const string Folder = "/root/secrets/digitalocean.com/serviceaccount";
    private const string Identity = "/usr/local/sbin/workload-proxy-identity run";

    private const string UserData = """
        #cloud-config
        write_files:
          - path: /root/written
            content: by the user
        runcmd:
          - [sh, -c, "cut -c1-3 /root/secrets/digitalocean.com/serviceaccount/token > /root/ran"]
        """;

    /// <summary>Of every kind that cloud-init knows one part, which leaves a file of its name.</summary>
    private const string AllKinds = """
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="B"

        --B
        Content-Type: text/part-handler

        #part-handler
        def list_types():
            return ["text/x-mine"]
        def handle_part(data, ctype, filename, payload):
            if ctype == "text/x-mine":
                open("/root/handled", "w").write(payload)
        --B
        Content-Type: text/x-mine

        by a handler
        --B
        Content-Type: text/cloud-boothook

        #!/bin/sh
        echo early > /root/boothook
        --B
        Content-Type: text/cloud-config
        Merge-Type: list(append)+dict(recurse_array)+str()

        #cloud-config
        runcmd: [[touch, /root/first]]
        --B
        Content-Type: text/cloud-config
        Merge-Type: list(append)+dict(recurse_array)+str()

        #cloud-config
        runcmd: [[touch, /root/second]]
        write_files: [{path: /root/written, content: by the user}]
        --B
        Content-Type: text/jinja2

        ## template: jinja
        #!/bin/sh
        echo {{ v1.instance_id }} > /root/jinja
        --B
        Content-Type: text/x-shellscript
        Content-Transfer-Encoding: base64
        Content-Disposition: attachment; filename="mine.sh"

        IyEvYmluL3NoCmVjaG8gZG9uZSA+IC9yb290L2RvbmUK
        --B--

        """;

    [Fact]
    public async Task A_machine_proves_itself_at_first_boot_and_does_what_the_tutorial_says()
    {
        var port = Ports.Free();
        await using var test = await ProvisioningTest.StartAsync(configure: options => options with { Provisioning = new(port, AllowPrivateAddresses: true) });
        var (id, userData) = await test.CreateAsync(UserData);
        await using var machine = await Machine.BootAsync(test.Files, userData, port);

        // the user's part ran, and found the identity
        Assert.Equal("by the user", await machine.RunAsync("cat /root/written"));
        Assert.Equal("eyJ\n", await machine.RunAsync("cat /root/ran"));
        Assert.Equal("600 base_url\n600 refresh_token\n600 team_uuid\n600 token\n", await machine.RunAsync($"cd {Folder} && stat -c '%a %n' *"));
        Assert.Equal("700\n700\n700\n", await machine.RunAsync($"stat -c %a {Folder} /root/secrets /var/lib/workload-proxy"));
        Assert.Equal(id, ProvisioningTest.Claims(await machine.RunAsync($"cat {Folder}/token")).GetProperty("droplet_id").GetString());

        // word for word
        const string Variables = """
            URL=$(cat /root/secrets/digitalocean.com/serviceaccount/base_url)
            TEAM_UUID=$(cat /root/secrets/digitalocean.com/serviceaccount/team_uuid)
            ID_TOKEN=$(cat /root/secrets/digitalocean.com/serviceaccount/token)

            SUBJECT="actx:${TEAM_UUID}:role:database-and-spaces-keys-access"
            TOKEN=$(curl -sf \
              -H "Authorization: Bearer ${ID_TOKEN}" \
              -d@<(jq -n -c \
                --arg aud "api://DigitalOcean?actx=${TEAM_UUID}" \
                --arg sub "${SUBJECT}" \
                --arg ttl 300 \
                '{aud: $aud, sub: $sub, ttl: ($ttl | fromjson)}') \
              "${URL}/v1/oidc/issue" \
              | jq -r .token)

            """;
        Assert.StartsWith("postgresql://", await machine.RunAsync(Variables + """
            DATABASE_UUID="9cc10173-e9ea-4176-9dbc-a4cee4c4ff30"
            curl -sf \
              -H "Authorization: Bearer ${TOKEN}" \
              "${URL}/v2/databases/${DATABASE_UUID}" \
              | jq -r .database.connection.uri
            """), StringComparison.Ordinal);
        Assert.StartsWith("postgresql://", await machine.RunAsync(Variables + """
            TAG_NAME="my-tag"
            curl -sf \
              -H "Authorization: Bearer ${TOKEN}" \
              "${URL}/v2/databases?tag_name=${TAG_NAME}" \
              | jq -r .databases[].connection.uri
            """), StringComparison.Ordinal);
        const string Key = """
              curl BUCKET \
              -X POST \
              -H "Authorization: Bearer ${TOKEN}" \
              -H "Content-Type: application/json" \
              -d@<(jq -n -c \
                --arg name "bucket-111-read-token-droplet" \
                --arg bucket "111" \
                --arg perm "read" \
                '{name: $name, grants: [{"bucket": $bucket, "permission": $perm}]}') \
              "${URL}/v2/spaces/keys"
            """;
        var made = JsonNode.Parse(await machine.RunAsync(Variables + Key.Replace("BUCKET", "-sf", StringComparison.Ordinal) + " | jq"))!;
        Assert.Equal("bucket-111-read-token-droplet", made["key"]!["name"]!.ToString());
        var refused = await machine.TryAsync(Variables + Key.Replace("BUCKET", "-vf", StringComparison.Ordinal)
            .Replace("\"111\"", "\"222\"", StringComparison.Ordinal));
        Assert.Equal(22, refused.ExitCode);
        Assert.Contains("< HTTP/1.1 403", refused.Errors, StringComparison.Ordinal);

        // the timer's way
        await machine.RunAsync($"cp -a {Folder} /root/before && {Identity} && ! cmp -s {Folder}/token /root/before/token && ! cmp -s {Folder}/refresh_token "
            + "/root/before/refresh_token");
        await machine.RunAsync("systemd-analyze verify --man=no /etc/systemd/system/workload-proxy-identity.timer "
            + "/etc/systemd/system/workload-proxy-identity.service");
        Assert.Equal("644 timer\n", await machine.RunAsync("stat -c '%a timer' /etc/systemd/system/workload-proxy-identity.timer"));
        // nothing of it is left where other users could read it
        Assert.Equal("", await machine.RunAsync("ls /var/lib/workload-proxy | grep -vx -e host_key -e instance -e provisioning_token || true"));

        // a proxy that does not answer leaves what is there, and so does a full disk
        await machine.RunAsync($"cp -a {Folder} /root/good");
        await test.Proxy.StopServerAsync();
        Assert.Equal(1, (await machine.TryAsync(Identity)).ExitCode);
        await machine.RunAsync($"diff -r {Folder} /root/good");
        await test.Proxy.StartServerAsync();
        await machine.RunAsync($"mount -t tmpfs -o size=4k none {Folder} && cp /root/good/refresh_token {Folder}/");
        Assert.Equal(1, (await machine.TryAsync(Identity)).ExitCode);
        Assert.Equal("", await machine.RunAsync($"find {Folder} -size 0"));
        await machine.RunAsync($"umount {Folder}");

        // a reply that got lost that way is given once more
        await machine.RunAsync(Identity);

        // another machine that is made from its snapshot does not use its tokens
        await machine.RunAsync("echo another > /var/lib/cloud/data/instance-id");
        var copy = await machine.TryAsync(Identity);
        Assert.Equal(1, copy.ExitCode);
        Assert.Contains("another VM's", copy.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_that_is_refused_an_identity_boots_and_does_its_users_work()
    {
        var port = Ports.Free();
        await using var test = await ProvisioningTest.StartAsync(configure: options => options with { Provisioning = new(port, AllowPrivateAddresses: true) });
        var (id, userData) = await test.CreateAsync(AllKinds);
        await test.DestroyAsync(id);
        // it tries for less long here
        userData = userData.Replace("+ 100))", "+ 1))", StringComparison.Ordinal).Replace("do sleep 10", "do sleep 1", StringComparison.Ordinal);
        await using var machine = await Machine.BootAsync(test.Files, userData, port);
        await machine.RunAsync("ls /root/first /root/second");
        foreach (var (file, text) in new[]
            { ("handled", "by a handler"), ("boothook", "early"), ("written", "by the user"), ("jinja", "machine"), ("done", "done") })
            Assert.Equal(text, (await machine.RunAsync($"cat /root/{file}")).Trim());
        Assert.Contains("workload-proxy: not proved yet (403)", await machine.RunAsync("cat /var/log/boot.log"), StringComparison.Ordinal);
        await machine.RunAsync($"[ ! -e {Folder} ]");
    }
}
