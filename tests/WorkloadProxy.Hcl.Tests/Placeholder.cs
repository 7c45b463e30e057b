namespace WorkloadProxy.Hcl.Tests;
