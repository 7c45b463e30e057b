using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using WorkloadProxy.Benchmarks;

// dotnet run -c Release --project bench/WorkloadProxy.Benchmarks -- --filter '*'
// In this process: BenchmarkDotNet's own build restores a project that doesn't prune YARP's unused dependency. `--quick` is for seeing that all of them run.
var quick = args.Contains("--quick");
var job = (quick ? Job.Dry : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
BenchmarkSwitcher.FromAssembly(typeof(PolicyText).Assembly).Run([.. args.Where(a => a != "--quick")], DefaultConfig.Instance.AddJob(job).WithArtifactsPath("artifacts/benchmarks"));
