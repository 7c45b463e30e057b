using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Roles;
using WorkloadProxy.Policies.Rules;
using WorkloadProxy.Policies.Testing;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Sets;

/// <summary>What one file came to by itself, whatever the other files say. Kept from one set to the next while path and content stay.</summary>
internal sealed record CompiledFile(string Path, PolicyFileKind Kind, ReadOnlyMemory<byte> Hash)
{
    /// <summary>Of <c>roles/</c>; their policies are names yet.</summary>
    public ImmutableArray<Role> Roles { get; init; } = [];
    /// <summary>Of <c>policies/</c>; null if there was any error in it.</summary>
    public Policy? Policy { get; init; }
    /// <summary>Of <c>set.hcl</c>; null if it has none.</summary>
    public SetCondition? Condition { get; init; }
    /// <summary>Of <c>tests/</c>.</summary>
    public ImmutableArray<PolicyTest> Tests { get; init; } = [];
    public ImmutableArray<Diagnostic> Diagnostics { get; init; } = [];
    /// <summary>Whether there was an error, among <see cref="Diagnostics"/> or beyond their bound.</summary>
    public bool HasErrors { get; init; }

    /// <summary>
    /// The same content under another name. A second role or test of one name is an error of the set, whatever is in it, so it need only be known where it
    /// stands.
    /// </summary>
    public CompiledFile At(string path) => new(path, Kind, Hash)
    {
        Roles = [.. Roles.Select(role => role.At(path))],
        Policy = Policy?.At(path),
        Tests = [.. Tests.Select(test => test.At(path))],
        Diagnostics = [.. Diagnostics.Select(diagnostic => diagnostic with { Range = diagnostic.Range with { File = path } })],
        HasErrors = HasErrors,
    };

    public static CompiledFile Compile(PolicyFile file, PolicyFileKind kind, ReadOnlyMemory<byte> hash, CompileOptions options, SetScope scope)
    {
        var parsed = HclParser.Parse(file.Path, file.Content);
        var diagnostics = new DiagnosticBag();
        diagnostics.AddRange(parsed.Diagnostics);
        var compiled = new CompiledFile(file.Path, kind, hash);
        // What stands in a body after a syntax error may be half of what was written.
        if (!parsed.HasErrors) compiled = kind switch
        {
            PolicyFileKind.Roles => compiled with { Roles = RoleCompiler.Compile(parsed, options, scope, diagnostics) },
            PolicyFileKind.Set => compiled with { Condition = SetFile.Compile(parsed, scope, diagnostics) },
            PolicyFileKind.Policy => compiled with { Policy = RuleCompiler.Compile(PolicyFileRouting.Stem(file.Path), parsed, options, scope, diagnostics) },
            _ => compiled with { Tests = PolicyTestCompiler.Compile(parsed, options, scope, diagnostics) },
        };
        return compiled with { Diagnostics = [.. diagnostics], HasErrors = diagnostics.HasErrors };
    }
}
