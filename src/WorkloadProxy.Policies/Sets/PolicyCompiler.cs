using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Lints;
using WorkloadProxy.Policies.Roles;
using WorkloadProxy.Policies.Sets;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies;

/// <summary>Files → <see cref="PolicySet"/>. Pure. What it takes is bounded for a whole set: who pushes one chooses how many files it has.</summary>
public static class PolicyCompiler
{
    /// <summary>Files of one context that count.</summary>
    internal const int MaxFiles = 100_000;

    /// <summary>Steps of evaluation of a whole set.</summary>
    private const long MaxSteps = 10_000_000;

    /// <summary>Bytes of values that a whole set may make.</summary>
    private const long MaxBytes = 64L * 1024 * 1024;

    /// <summary>Issuers of one context, besides this proxy.</summary>
    internal const int MaxIssuers = 32;

    /// <summary>Errors between files that are listed.</summary>
    private const int MaxAcross = 1000;

    /// <summary>
    /// Compiles a whole source; <paramref name="previous"/> only saves work for files that did not change. Throws <see cref="OperationCanceledException"/> soon
    /// after it is cancelled.
    /// </summary>
    public static CompileResult Compile(IReadOnlyList<PolicyFile> files, CompileOptions options, PolicySet? previous = null,
        CancellationToken cancellationToken = default)
    {
        var routed = files.Select(file => (File: file, Kind: PolicyFileRouting.KindOf(file.Path))).Where(entry => entry.Kind != PolicyFileKind.Ignored)
            .OrderBy(entry => entry.File.Path, StringComparer.Ordinal).ToArray();
        if (routed.Length > options.MaxFiles)
            return new CompileResult(null, [RoleDiagnostics.TooManyFiles(options.MaxFiles, routed.Length, Top(routed[options.MaxFiles].File.Path))]);

        if (previous?.Options != options) previous = null;
        var across = new DiagnosticBag(MaxAcross);
        var budget = new EvaluationBudget(MaxSteps, MaxBytes, cancellationToken);
        var locals = SetLocals.Read(routed.Where(entry => entry.Kind != PolicyFileKind.Set).Select(entry => entry.File), budget, across);
        if (previous?.Locals.IsSameAs(locals) == false) previous = null;
        var compiled = CompileFiles(routed, options, new SetScope(budget, locals), previous, cancellationToken);
        var named = DistinctPolicies(compiled, across);
        var roles = BoundRoles(compiled, named, compiled.FirstOrDefault(file => file.Kind == PolicyFileKind.Set)?.Condition, across);
        CheckIssuers(roles, across);
        var tests = DistinctTests(compiled, across);
        var diagnostics = compiled.SelectMany(file => file.Diagnostics).Concat(across).ToList();
        if (across.HasErrors || compiled.Any(file => file.HasErrors)) return new CompileResult(null, Sorted(diagnostics));

        ImmutableArray<Policy> policies = [.. named.Values.OfType<Policy>()];
        SetLints.Check(options.Context, roles, policies, diagnostics);
        var ruleWarnings = RuleLints.Check(options.Context, roles, policies, previous?.RuleWarnings, diagnostics, cancellationToken);
        var byPath = compiled.ToDictionary(file => file.Path, StringComparer.Ordinal);
        var set = new PolicySet(options, ContentHash(compiled), roles, policies, tests, byPath, ruleWarnings, locals, HasSameRoles(compiled, previous)
            ? previous : null);
        TestLints.Check(set, diagnostics, cancellationToken);
        return new CompileResult(set, Sorted(diagnostics));
    }

    private static CompiledFile[] CompileFiles((PolicyFile File, PolicyFileKind Kind)[] files, CompileOptions options, SetScope scope, PolicySet? previous,
        CancellationToken cancellationToken)
    {
        var parallel = new ParallelOptions { CancellationToken = cancellationToken };
        var hashes = new byte[files.Length][];
        Parallel.For(0, files.Length, parallel, i => hashes[i] = SHA256.HashData(files[i].File.Content.Span));

        // A content is compiled once, however many names it has.
        var firsts = new Dictionary<(PolicyFileKind, string), int>();
        var firstOf = new int[files.Length];
        for (var i = 0; i < files.Length; i++)
        {
            var key = (files[i].Kind, Convert.ToHexString(hashes[i]));
            if (!firsts.TryGetValue(key, out firstOf[i])) firsts[key] = firstOf[i] = i;
        }

        var compiled = new CompiledFile[files.Length];
        Parallel.For(0, files.Length, parallel, i =>
        {
            if (Known(i) is { } known) compiled[i] = known;
            else if (firstOf[i] == i) compiled[i] = CompiledFile.Compile(files[i].File, files[i].Kind, hashes[i], options, scope);
        });
        for (var i = 0; i < files.Length; i++) compiled[i] ??= compiled[firstOf[i]].At(files[i].File.Path);
        return compiled;

        CompiledFile? Known(int i) => previous?.Files.GetValueOrDefault(files[i].File.Path) is { } before && before.Hash.Span.SequenceEqual(hashes[i])
            ? before : null;
    }

    /// <summary>Whether the roles are those of <paramref name="previous"/> one by one, apart from the policies that they get.</summary>
    private static bool HasSameRoles(CompiledFile[] files, PolicySet? previous)
        => previous is not null
            && files.Where(file => file.Kind == PolicyFileKind.Roles).All(file => ReferenceEquals(file, previous.Files.GetValueOrDefault(file.Path)))
            && files.Count(file => file.Kind == PolicyFileKind.Roles) == previous.Files.Values.Count(file => file.Kind == PolicyFileKind.Roles);

    /// <summary>By name, in the order of the files; null for one whose file has errors, so that a role that names it is not wrong as well.</summary>
    private static OrderedDictionary<string, Policy?> DistinctPolicies(CompiledFile[] files, DiagnosticBag diagnostics)
    {
        var policies = new OrderedDictionary<string, Policy?>(StringComparer.Ordinal);
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            if (file.Kind != PolicyFileKind.Policy) continue;
            var name = PolicyFileRouting.Stem(file.Path);
            if (policies.TryAdd(name, file.Policy)) paths[name] = file.Path;
            else diagnostics.Add(RoleDiagnostics.Duplicate("policy", name, Top(paths[name]), Top(file.Path)));
        }
        return policies;
    }

    private static ImmutableArray<Role> BoundRoles(CompiledFile[] files, OrderedDictionary<string, Policy?> policies, SetCondition? setWhen,
        DiagnosticBag diagnostics)
    {
        var roles = ImmutableArray.CreateBuilder<Role>();
        var names = new Dictionary<string, SourceRange>(StringComparer.Ordinal);
        var hints = 100;
        foreach (var file in files) foreach (var role in file.Roles)
        {
            if (!names.TryAdd(role.Name, role.Range)) diagnostics.Add(RoleDiagnostics.Duplicate("role", role.Name, names[role.Name], role.Range));
            var bound = new OrderedDictionary<string, Policy>(StringComparer.Ordinal);
            foreach (var (name, range) in role.PolicyNames)
            {
                // A hint costs a walk over all names; a set with thousands of mistakes gets it for the first hundred.
                if (!policies.TryGetValue(name, out var policy))
                    diagnostics.Add(RoleDiagnostics.UnknownPolicy(name, hints-- > 0 ? NameSuggestion.Nearest(name, policies.Keys) : null, range));
                else if (policy is not null) bound.TryAdd(name, policy);
            }
            roles.Add(role.Bind([.. bound.Values], setWhen));
        }
        return roles.ToImmutable();
    }

    private static ImmutableArray<PolicyTest> DistinctTests(CompiledFile[] files, DiagnosticBag diagnostics)
    {
        var names = new Dictionary<string, SourceRange>(StringComparer.Ordinal);
        var tests = ImmutableArray.CreateBuilder<PolicyTest>();
        foreach (var file in files) foreach (var test in file.Tests)
        {
            if (names.TryAdd(test.Name, test.Range)) tests.Add(test);
            else diagnostics.Add(RoleDiagnostics.Duplicate("test", test.Name, names[test.Name], test.Range));
        }
        return tests.ToImmutable();
    }

    private static void CheckIssuers(ImmutableArray<Role> roles, DiagnosticBag diagnostics)
    {
        var issuers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var role in roles) foreach (var (issuer, range) in role.IssuerRanges)
        {
            if (!issuers.Add(issuer) || issuers.Count <= MaxIssuers) continue;
            diagnostics.Add(RoleDiagnostics.TooManyIssuers(MaxIssuers, range));
            return;
        }
    }

    // Each path and each content's hash has its length told, or fixed: no two sources have one text.
    private static string ContentHash(CompiledFile[] files)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files)
        {
            var path = Encoding.UTF8.GetBytes(file.Path);
            sha.AppendData(BitConverter.GetBytes(path.Length));
            sha.AppendData(path);
            sha.AppendData(file.Hash.Span);
        }
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    private static ImmutableArray<Diagnostic> Sorted(List<Diagnostic> diagnostics)
        => [.. diagnostics.OrderBy(diagnostic => diagnostic.Range.File, StringComparer.Ordinal).ThenBy(diagnostic => diagnostic.Range.Start.Offset)];

    private static SourceRange Top(string path) => new(path, new SourcePosition(0, 1, 1), new SourcePosition(0, 1, 1));
}
