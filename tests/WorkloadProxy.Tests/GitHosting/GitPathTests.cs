using WorkloadProxy.PolicyDelivery.Hosted;

namespace WorkloadProxy.Tests.GitHosting;

public class GitPathTests
{
    [Theory]
    [InlineData("/info/refs", GitOperation.Advertise, null, null)]
    [InlineData("/git-upload-pack", GitOperation.UploadPack, null, null)]
    [InlineData("/git-receive-pack", GitOperation.ReceivePack, null, null)]
    [InlineData("/_rbac/DigitalOcean/f81d4fae/info/refs", GitOperation.Advertise, "DigitalOcean", "f81d4fae")]
    [InlineData("/_rbac/DigitalOcean/f81d4fae.git/info/refs", GitOperation.Advertise, "DigitalOcean", "f81d4fae.git")]
    [InlineData("/_rbac/ATProto/did:plc:ewvi7nxzyoun6zhxrhs64oiz/git-receive-pack", GitOperation.ReceivePack, "ATProto", "did:plc:ewvi7nxzyoun6zhxrhs64oiz")]
    [InlineData("/_rbac/X/a/b/git-upload-pack", GitOperation.UploadPack, "X", "a/b")]
    [InlineData("/_rbac/X/webhook/webhook", GitOperation.Webhook, "X", "webhook")]
    internal void Gits_paths_are_read(string path, GitOperation operation, string? upstream, string? id)
    {
        Assert.True(GitPath.TryParse(path, out var git));
        Assert.Equal(new GitPath(operation, upstream, id), git);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/info/refs/")]
    [InlineData("/INFO/refs")]
    [InlineData("/webhook")]
    [InlineData("/v2/account/info/refs")]
    [InlineData("/_rbac/info/refs")]
    [InlineData("/_rbac/DigitalOcean/info/refs")]
    [InlineData("/_rbac/DigitalOcean//info/refs")]
    [InlineData("/_rbac//x/info/refs")]
    [InlineData("/_rbac/DigitalOcean/x/objects/info/packs")]
    [InlineData("/_rbac/DigitalOcean/x/HEAD")]
    [InlineData("/_RBAC/DigitalOcean/x/info/refs")]
    public void Nothing_else_is(string path) => Assert.False(GitPath.TryParse(path, out _));

    [Fact]
    public void A_final_dot_git_may_belong_to_the_id_or_not()
    {
        Assert.True(GitPath.TryParse("/_rbac/X/team.git/info/refs", out var git));
        Assert.Equal("team", git.IdWithoutSuffix);
        Assert.True(GitPath.TryParse("/_rbac/X/.git/info/refs", out git));
        Assert.Equal(".git", git.IdWithoutSuffix);
    }
}
