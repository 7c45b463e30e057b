using BenchmarkDotNet.Running;

// dotnet run -c Release --project bench/WorkloadProxy.Benchmarks -- --filter '*'
BenchmarkSwitcher.FromAssembly(typeof(WorkloadProxy.Benchmarks.PolicyText).Assembly).Run(args);
