using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Output;

/// <summary>How the tests of a policy set came out.</summary>
internal static class TestOutput
{
    public static void WriteText(Terminal terminal, IReadOnlyList<PolicyTestResult> tests, bool failedOnly)
    {
        foreach (var test in tests.Where(test => !failedOnly || !test.Passed))
        {
            terminal.Write(test.Passed ? "ok      " : "FAILED  ", test.Passed ? Colour.Green : Colour.Red);
            terminal.Write(test.Name);
            terminal.WriteLine($"  {test.Test.Range}", Colour.Faint);
            if (!test.Passed) terminal.WriteLine($"        {test.Reason}");
        }
    }

    public static void WriteJson(Utf8JsonWriter json, IReadOnlyList<PolicyTestResult> tests)
    {
        json.WriteStartArray("tests");
        foreach (var test in tests)
        {
            json.WriteStartObject();
            json.WriteString("name", test.Name);
            json.WriteBoolean("passed", test.Passed);
            json.WriteString("reason", test.Reason);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
