using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Tests.Compiling;

/// <summary>Sets from texts, for one context of one proxy.</summary>
internal static class Compile
{
    public const string Team = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    public const string OwnIssuer = "https://proxy.example.com";
    public const string GitHub = "https://token.actions.githubusercontent.com";

    public static readonly CompileOptions Options = new(new AuthContext("DigitalOcean", Team), OwnIssuer);
    public static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    public static PolicyFile File(string path, string text) => new(path, Encoding.UTF8.GetBytes(text));

    public static CompileResult Files(params (string Path, string Text)[] files) =>
        PolicyCompiler.Compile([.. files.Select(file => File(file.Path, file.Text))], Options);

    public static PolicySet Set(params (string Path, string Text)[] files) => Whole(Files(files));

    public static PolicySet Whole(CompileResult result)
    {
        Assert.True(result.Set is not null, string.Join('\n', Lines(result)));
        return result.Set;
    }

    /// <summary>The one role in <paramref name="hcl"/>; policy <c>p</c> exists.</summary>
    public static Role Role(string hcl, CompileOptions? options = null, string path = "roles/r.hcl")
        => Assert.Single(Whole(PolicyCompiler.Compile([File(path, hcl), File("policies/p.hcl", "")], options ?? Options)).Roles);

    /// <summary>What is wrong with a role file beside a policy <c>p</c>, one line each; help left out.</summary>
    public static string[] Errors(string hcl) => [.. Lines(Files(("roles/r.hcl", hcl), ("policies/p.hcl", ""))).Where(line => line.Contains(" error "))];

    /// <summary>Likewise, of the warnings about the role file.</summary>
    public static string[] Warnings(string hcl) =>
        [.. Lines(Files(("roles/r.hcl", hcl), ("policies/p.hcl", ""))).Where(line => line.StartsWith("roles/r.hcl:") && line.Contains(" warning "))];

    public static string[] Lines(CompileResult result) => [.. result.Diagnostics.Select(Line)];

    public static string Line(Diagnostic diagnostic) =>
        $"{diagnostic.Range} {(diagnostic.Severity == DiagnosticSeverity.Error ? "error" : "warning")} {diagnostic.Code}: {diagnostic.Summary}";

    public static Claims Claims(string json) => WorkloadProxy.Policies.Claims.Parse(Encoding.UTF8.GetBytes(json));
}
