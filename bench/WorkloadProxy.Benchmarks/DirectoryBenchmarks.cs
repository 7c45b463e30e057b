using BenchmarkDotNet.Attributes;
using WorkloadProxy.PolicyDelivery.Directories;

namespace WorkloadProxy.Benchmarks;

/// <summary>10,000 files on the disk: listed, read whole, and read as the server does it when an event has named one.</summary>
[MemoryDiagnoser]
public class DirectoryBenchmarks
{
    private readonly string directory = Directory.CreateTempSubdirectory("workload-proxy-bench-").FullName;
    private PolicyDirectoryContent before = null!;
    private ChangedPaths changed = null!;

    [GlobalSetup]
    public void Setup()
    {
        foreach (var file in PolicyText.Files(5_000))
        {
            var path = Path.Combine(directory, file.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, file.Content.Span);
        }
        before = PolicyDirectoryReader.Read(directory);
        changed = new ChangedPaths(new HashSet<string> { Path.Combine(directory, before.Files[0].Path) }, false);
    }

    [Benchmark]
    public object List() => PolicyTree.List(directory);

    [Benchmark]
    public object Read() => PolicyDirectoryReader.Read(directory);

    [Benchmark]
    public object Read_with_one_file_changed() => PolicyDirectoryReader.Read(PolicyTree.List(directory), before, changed);

    [GlobalCleanup]
    public void Cleanup() => Directory.Delete(directory, recursive: true);
}
