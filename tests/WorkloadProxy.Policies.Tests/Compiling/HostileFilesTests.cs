using System.Text;

namespace WorkloadProxy.Policies.Tests.Compiling;

public class HostileFilesTests
{
    private const string Role = """
        role "r" {
          iss      = ["https://token.actions.githubusercontent.com", "https://id.example.com"]
          aud      = "api://DigitalOcean?actx={actx}"
          sub      = ["repo:org/repo:*", "repo:org@1/repo@2:*"]
          claims   = { "kubernetes.io" = { namespace = "prod", n = [1, true, { a = "b" }] }, expires = "x" }
          when     = claims.level >= 3 && regex("a+", claims.name) && now.hour < 18 ? true : contains(claims.groups, "a")
          expires  = "2027-01-01T00:00:00Z"
          max_ttl  = 60
          policies = ["p"]
        }
        """;
    private const string Tests = """
        test "t" {
          token   = { sub = "actx:{actx}:role:vm", groups = ["a", 1, null] }
          request = { method = "POST", path = "/v2/x", query = { a = ["1", 2] }, body = { a = [1.5e3] } }
          expect  = "deny"
          reason  = "no"
          now     = "2026-01-01T00:00:00Z"
        }
        """;
    private static readonly string[] Pieces =
    [
        "\"", "{", "}", "[", "]", "=", "*", "${", "}\"", "null", "true", "-1", "1e400", "claims", "now.", "request.body", "regex(", ")", "...", "\\ud800",
        "\\u0000", "\n", "\0", "é", "e\u0301", "\U0001F600",
        "iss", "sub", "policies", "when", "for x in ", ":", "?", "<<EOT\n", "EOT\n", "#", "{actx}", "<actx>", "{claims.x}", "role \"", "test \"", ".", ",", "(",
    ];

    /// <summary>Whatever stands in a file: a set or diagnostics within the file, never an exception; and what compiles can be asked.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Any_text_compiles_or_is_refused_with_its_places(int seed)
    {
        var random = new Random(seed);
        var claims = Compile.Claims("""{"iss":"https://id.example.com","aud":"a","sub":"repo:org/repo:x","level":3,"name":"aa","groups":["a"]}""");
        var compiled = 0;
        for (var i = 0; i < 1_500; i++)
        {
            var (path, text) = random.Next(3) == 0 ? ("tests/f.hcl", Tests) : ("roles/f.hcl", Role);
            var bytes = Encoding.UTF8.GetBytes(Mutated(random, text));
            if (random.Next(10) == 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            var result = PolicyCompiler.Compile([new PolicyFile(path, bytes), Compile.File("policies/p.hcl", "")], Compile.Options);
            Assert.All(result.Diagnostics,
                diagnostic => Assert.True(diagnostic.Range.Start.Line >= 1 && diagnostic.Range.End.Offset <= bytes.Length && diagnostic.Summary.Length > 0));
            if (result.Set is not { } set) continue;
            compiled++;
            set.MatchRoles(claims);
            foreach (var role in set.Roles) role.Explain(claims, Compile.Noon);
            PolicyTestRunner.Run(set, Compile.Noon);
        }
        Assert.True(compiled > 20, $"only {compiled} compiled: the mutations leave nothing to ask");
    }

    private static string Mutated(Random random, string text)
    {
        var result = new StringBuilder(text);
        for (var count = random.Next(1, 4); count > 0; count--)
        {
            var at = random.Next(result.Length);
            switch (random.Next(4))
            {
                case 0: result.Insert(at, Pieces[random.Next(Pieces.Length)]); break;
                case 1: result.Remove(at, Math.Min(random.Next(1, 12), result.Length - at)); break;
                case 2: result.Insert(at, text.AsSpan(random.Next(text.Length - 30), 30)); break;
                default: result[at] = Pieces[random.Next(Pieces.Length)][0]; break;
            }
        }
        return result.ToString();
    }
}
