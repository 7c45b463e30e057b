using BenchmarkDotNet.Attributes;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Benchmarks;

/// <summary>Text to policy set, whole and after one file changed.</summary>
[MemoryDiagnoser]
public class CompileBenchmarks
{
    private IReadOnlyList<PolicyFile> files = null!;
    private PolicyFile[] changed = null!;
    private PolicySet previous = null!;

    /// <summary>Roles; two files each.</summary>
    [Params(10, 5_000)]
    public int Roles { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        files = PolicyText.Files(Roles);
        previous = PolicyText.Compiled(files);
        changed = [.. files];
        changed[1] = changed[1] with { Content = changed[1].Content.ToArray().Concat("# changed\n"u8.ToArray()).ToArray() };
    }

    [Benchmark]
    public HclFile Parse_one_file() => HclParser.Parse(files[1].Path, files[1].Content);

    [Benchmark]
    public CompileResult Compile() => PolicyCompiler.Compile(files, PolicyText.Options);

    [Benchmark]
    public CompileResult Compile_with_one_file_changed() => PolicyCompiler.Compile(changed, PolicyText.Options, previous);
}
