using System.Text;
using BenchmarkDotNet.Attributes;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Benchmarks;

/// <summary>What is done to a request before a decision: its path made canonical, its body inspected.</summary>
[MemoryDiagnoser]
public class BodyBenchmarks
{
    private static readonly string[] JsonType = ["application/json"];
    private readonly byte[] small = Json(111);
    private readonly byte[] kilobyte =
        Encoding.UTF8.GetBytes($$"""{"name":"bucket-111-read-token-x","grants":[{"bucket":"111","permission":"read"}],"note":"{{new string('x', 930)}}"}""");

    public static byte[] Json(int bucket) =>
        Encoding.UTF8.GetBytes($$"""{"name":"bucket-{{bucket}}-read-token-x","grants":[{"bucket":"{{bucket}}","permission":"read"}]}""");

    [Benchmark]
    public bool Canonical_path() => RequestTarget.TryParse("/v2/databases/9cc10173-e9ea-4176-9dbc-a4cee4c4ff30", out _, out _, out _);

    [Benchmark]
    public bool Canonical_path_with_escapes_and_query() =>
        RequestTarget.TryParse("/v2/projects/a%20b/%C3%A9?tag_name=my-tag&next=https%3A%2F%2Fexample.com", out _, out _, out _);

    [Benchmark]
    public bool Body_small() => RequestBody.TryParse(small, JsonType, null, out _, out _, out _);

    [Benchmark]
    public bool Body_1_KB() => RequestBody.TryParse(kilobyte, JsonType, null, out _, out _, out _);
}
