namespace WorkloadProxy.EndToEnd.Tests;

/// <summary>
/// Another implementation of an OIDC provider as an issuer: the algorithms and the token type that it chooses, and clients that have no groups.
/// </summary>
public sealed class OidcProviderTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("workload-proxy-oidc-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Tokens_of_a_provider_s_clients_are_verified_by_its_discovered_keys()
    {
        Tool.NeedsCurlAndJq();
        Tool.Needs("node", "apt-get install nodejs npm");
        Tool.Needs("npm", "apt-get install nodejs npm");
        foreach (var file in Directory.EnumerateFiles(Repository.Beside("oidc"))) File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));

        var ran = await Tool.Run("bash", ["run.sh"],
            new Dictionary<string, string> { ["PROXY"] = $"dotnet {Repository.Built("src/WorkloadProxy", "workload-proxy")}" }, folder: folder.FullName);

        Assert.Equal("at+jwt PS256: 200\nat+jwt ES256: 200\nat+jwt ES384: 200\nanother client: 403\na bad signature: 401", ran.Succeeded().Output.Trim());
    }
}
