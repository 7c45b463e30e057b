using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using WorkloadProxy.Benchmarks;

// In this process: BenchmarkDotNet's own build restores a project that doesn't prune YARP's unused dependency.
BenchmarkSwitcher.FromAssembly(typeof(PolicyText).Assembly).Run([.. args, "--inProcess"], DefaultConfig.Instance.WithArtifactsPath("artifacts/benchmarks"));
