using BenchmarkDotNet.Attributes;
using WorkloadProxy.PolicySources;

namespace WorkloadProxy.Benchmarks;

/// <summary>10,000 files on the disk: the whole directory read, and what the server does once a change has been quiet for long enough.</summary>
[MemoryDiagnoser]
public class DirectoryBenchmarks
{
    private readonly string directory = Directory.CreateTempSubdirectory("workload-proxy-bench-").FullName;

    [GlobalSetup]
    public void Setup()
    {
        foreach (var file in PolicyText.Files(5_000))
        {
            var path = Path.Combine(directory, file.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, file.Content.Span);
        }
    }

    [Benchmark]
    public object List() => PolicyTree.List(directory);

    [Benchmark]
    public object Read() => PolicyDirectoryReader.Read(directory);

    [GlobalCleanup]
    public void Cleanup() => Directory.Delete(directory, recursive: true);
}
