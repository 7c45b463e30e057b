namespace WorkloadProxy.Policies.Tests;
