using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using WorkloadProxy.Benchmarks;

// In this process: BenchmarkDotNet's own build restores a project that doesn't prune YARP's unused dependency. Its limit for one benchmark, with its set-up, is
// five minutes, which a busy machine can take.
var inProcess = Job.Default.WithToolchain(new InProcessEmitToolchain(TimeSpan.FromHours(1), logOutput: true)).AsMutator();
BenchmarkSwitcher.FromAssembly(typeof(PolicyText).Assembly).Run(args, DefaultConfig.Instance.AddJob(inProcess).WithArtifactsPath("artifacts/benchmarks"));
