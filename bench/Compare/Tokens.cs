using System.Text.Json.Nodes;
using Sandbox.Tokens;

namespace Compare;

/// <summary>Identity tokens of an issuer whose keys the proxies are given as a file.</summary>
internal sealed class Tokens(WorkFolder folder) : IDisposable
{
    public const string Issuer = "https://issuer.bench.example";
    public const string Context = "api://DigitalOcean?actx=bench";

    private readonly SigningKey rsa = SigningKey.Rsa();
    private readonly SigningKey ecdsa = SigningKey.Ecdsa();
    private int serial;

    public string Jwks => new JsonObject { ["keys"] = new JsonArray(rsa.Jwk(), ecdsa.Jwk()) }.ToJsonString();
    public string RsaPublicPem => System.Text.Encoding.ASCII.GetString(rsa.PublicPem());
    public string EcdsaPublicPem => System.Text.Encoding.ASCII.GetString(ecdsa.PublicPem());

    /// <summary>
    /// A file of so many distinct live tokens, a line each. ES256 where many are wanted at once: signing RSA would take longer than the measurement.
    /// </summary>
    public string Write(string name, int count, bool cheap = false, string audience = Context)
    {
        var lines = new string[count];
        var first = Interlocked.Add(ref serial, count) - count;
        Parallel.For(0, count, i => lines[i] = One(first + i, cheap ? ecdsa : rsa, audience));
        return folder.File(name, string.Join('\n', lines) + "\n");
    }

    public string One(string audience = Context) => One(Interlocked.Increment(ref serial), rsa, audience);

    /// <summary>A client of a subject, with one token.</summary>
    public HttpClient Client(Subject subject) => new() { BaseAddress = subject.Address, DefaultRequestHeaders = { Authorization = new("Bearer", One()) } };

    public void Dispose()
    {
        rsa.Dispose();
        ecdsa.Dispose();
    }

    private static string One(int number, SigningKey key, string audience)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        return TokenForge.Sign(key, new JsonObject
        {
            ["iss"] = Issuer,
            ["aud"] = audience,
            ["sub"] = "repo:org/repo:ref:refs/heads/main",
            ["repository"] = "org/repo",
            ["repository_id"] = "74",
            ["job_workflow_ref"] = "org/repo/.github/workflows/do-wid.yml@refs/heads/main",
            ["ref"] = "refs/heads/main",
            ["event_name"] = "push",
            ["runner_environment"] = "github-hosted",
            ["jti"] = $"bench-{number}",
            ["iat"] = now,
            ["nbf"] = now - 600,
            ["exp"] = now + 4 * 3600,
        });
    }
}
