using System.Diagnostics;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery;
using WorkloadProxy.PolicyDelivery.Directories;
using WorkloadProxy.PolicyDelivery.Publishing;

namespace WorkloadProxy.Tests.PolicySources;

public sealed class DirectorySourceTests
{
    [Fact]
    public async Task A_written_file_is_in_force()
    {
        await using var live = await LiveSource.StartAsync();
        var before = live.Source.Status.Version;
        live.Directory.Write("policies/ci.hcl", LiveSource.Policy("/v2/droplets"));
        var status = await live.NextAsync(status => status.Version != before);
        Assert.Null(status.LastError);
        Assert.Equal(["/v2/droplets"], live.Paths);
        Assert.Equal(live.Sets.Current(LiveSource.Context)!.Version, status.Version);
    }

    [Fact]
    public async Task A_new_directory_of_roles_is_in_force()
    {
        await using var live = await LiveSource.StartAsync();
        var before = live.Source.Status.Version;
        live.Directory.Write("gha-roles/other.hcl", LiveSource.Role.Replace("role \"ci\"", "role \"other\"", StringComparison.Ordinal));
        await live.NextAsync(status => status.Version != before && live.Sets.Current(LiveSource.Context)!.Set.Roles.Length == 2);
        before = live.Source.Status.Version;
        live.Directory.Write("gha-roles/third.hcl", LiveSource.Role.Replace("role \"ci\"", "role \"third\"", StringComparison.Ordinal));
        await live.NextAsync(status => status.Version != before);
        Assert.Equal(3, live.Sets.Current(LiveSource.Context)!.Set.Roles.Length);
    }

    [Fact]
    public async Task A_file_overwritten_in_place_with_its_old_length_and_time_is_in_force()
    {
        await using var live = await LiveSource.StartAsync();
        foreach (var path in (string[])["/v2/accounx", "/v2/accouny", "/v2/accounz"])
        {
            var file = Path.Combine(live.Directory.Path, "policies/ci.hcl");
            var written = File.GetLastWriteTimeUtc(file);
            File.WriteAllText(file, LiveSource.Policy(path));
            File.SetLastWriteTimeUtc(file, written);
            await live.NextAsync(status => status.LastError is null && live.Paths[0] == path);
        }
    }

    [Fact]
    public async Task A_renamed_file_is_in_force()
    {
        await using var live = await LiveSource.StartAsync();
        var before = live.Source.Status.Version;
        var draft = live.Directory.Write("policies/.ci.hcl.new", LiveSource.Policy("/v2/images"));
        File.Move(draft, Path.Combine(live.Directory.Path, "policies/ci.hcl"), overwrite: true);
        await live.NextAsync(status => status.Version != before);
        Assert.Equal(["/v2/images"], live.Paths);
    }

    [Fact]
    public async Task A_symlink_swap_as_kubernetes_does_it_is_in_force()
    {
        await using var live = await LiveSource.CreateAsync();
        var root = live.Directory.Path;
        Directory.Delete(Path.Combine(root, "policies"), recursive: true);
        Directory.Delete(Path.Combine(root, "roles"), recursive: true);
        Mount("..2026_01", "/v2/one");
        Directory.CreateSymbolicLink(Path.Combine(root, "..data"), "..2026_01");
        Directory.CreateSymbolicLink(Path.Combine(root, "policies"), "..data/policies");
        Directory.CreateSymbolicLink(Path.Combine(root, "roles"), "..data/roles");
        await live.Source.LoadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["/v2/one"], live.Paths);
        live.Follow();

        for (var i = 2; i <= 3; i++)
        {
            Mount($"..2026_0{i}", $"/v2/{i}");
            Directory.CreateSymbolicLink(Path.Combine(root, "..data_tmp"), $"..2026_0{i}");
            // rename(2), which File.Move does not do for a link to a directory
            using var move = Process.Start("mv", ["-T", Path.Combine(root, "..data_tmp"), Path.Combine(root, "..data")]);
            await move.WaitForExitAsync(TestContext.Current.CancellationToken);
            await live.NextAsync(_ => live.Paths[0] == $"/v2/{i}");
        }

        void Mount(string name, string path)
        {
            live.Directory.Write($"{name}/policies/ci.hcl", LiveSource.Policy(path));
            live.Directory.Write($"{name}/roles/ci.hcl", LiveSource.Role);
        }
    }

    [Fact]
    public async Task What_no_event_tells_is_found_by_looking()
    {
        await using var live = await LiveSource.StartAsync();
        // the target lies outside what is watched
        var target = live.Directory.Write("common/more.hcl", LiveSource.Policy("/v2/a"));
        File.CreateSymbolicLink(Path.Combine(live.Directory.Path, "policies/more.hcl"), "../common/more.hcl");
        await live.NextAsync(_ => live.Paths.Contains("/v2/a"));
        File.WriteAllText(target, LiveSource.Policy("/v2/longer"));
        await live.NextAsync(_ => live.Paths.Contains("/v2/longer"));
    }

    [Fact]
    public async Task A_broken_file_keeps_the_last_good_set_and_is_reported()
    {
        await using var live = await LiveSource.StartAsync();
        var before = live.Sets.Current(LiveSource.Context)!;
        live.Directory.Write("policies/ci.hcl", "path \"/v2/account\" {\n  capabilities = [\"raed\"]\n}\n");
        var status = await live.NextAsync(status => status.LastError is not null);
        Assert.Same(before, live.Sets.Current(LiveSource.Context));
        Assert.Equal(before.Version, status.Version);
        Assert.Equal("1 error in the policy files", status.LastError!.Message);
        Assert.Equal("policies/ci.hcl:2:", status.LastError.Diagnostics[0].Range.ToString()[..18]);

        live.Directory.Write("policies/ci.hcl", LiveSource.Policy("/v2/account"));
        status = await live.NextAsync(status => status.LastError is null);
        Assert.Equal(before.Version, status.Version);
        Assert.Same(before, live.Sets.Current(LiveSource.Context));
    }

    [Fact]
    public async Task A_directory_that_vanishes_keeps_the_last_good_set()
    {
        await using var live = await LiveSource.StartAsync();
        var away = live.Directory.Path + "-away";
        Directory.Move(live.Directory.Path, away);
        var status = await live.NextAsync(status => status.LastError is not null);
        Assert.Equal("missing-directory", Assert.Single(status.LastError!.Diagnostics).Code);
        Assert.Equal(["/v2/account"], live.Paths);
        Directory.Move(away, live.Directory.Path);
        await live.NextAsync(status => status.LastError is null);
    }

    [Fact]
    public async Task The_last_good_set_comes_back_from_the_store()
    {
        await using var live = await LiveSource.CreateAsync();
        await live.Source.LoadAsync(TestContext.Current.CancellationToken);
        var version = live.Source.Status.Version;

        var sets = new PolicySetStore();
        live.Directory.Write("policies/ci.hcl", "path {");
        var again = new DirectorySource(new CompileOptions(LiveSource.Context, "https://proxy.example.com"), live.Directory.Path, sets, live.Snapshots,
            TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        await again.LoadAsync(TestContext.Current.CancellationToken);
        Assert.Null(sets.Current(LiveSource.Context));
        Assert.True(await again.LoadSnapshotAsync(TestContext.Current.CancellationToken));
        Assert.Equal(version, sets.Current(LiveSource.Context)!.Version);
        Assert.Equal("/v2/account", sets.Current(LiveSource.Context)!.Set.Policies[0].Rules[0].Path);
        Assert.NotNull(again.Status.LastError);
    }

    [Fact]
    public async Task A_set_of_another_source_does_not_come_back()
    {
        await using var live = await LiveSource.CreateAsync();
        await live.Source.LoadAsync(TestContext.Current.CancellationToken);
        Assert.Null(await live.Snapshots.LoadAsync(LiveSource.Context, "directory:/elsewhere", TestContext.Current.CancellationToken));
        Assert.NotNull(await live.Snapshots.LoadAsync(LiveSource.Context, live.Source.Status.Source, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_set_whose_own_tests_fail_is_not_taken()
    {
        await using var live = await LiveSource.CreateAsync();
        await live.Source.LoadAsync(TestContext.Current.CancellationToken);
        live.Directory.Write("policies/ci.hcl", LiveSource.Policy("/v2/databases"));
        live.Directory.Write("tests/ci.hcl", """
            test "accounts can be read" {
              token   = { sub = "actx:f81d4fae:role:ci" }
              request = { method = "GET", path = "/v2/account" }
              expect  = "allow"
            }
            """);

        await live.Source.LoadAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["/v2/account"], live.Paths);
        Assert.StartsWith("1 of the policy's own tests failed: tests/ci.hcl:1:1: test `accounts can be read` failed", live.Source.Status.LastError!.Message);
        Assert.Contains("error: test `accounts can be read` failed", live.Source.Status.LastError.Text);
    }
}
