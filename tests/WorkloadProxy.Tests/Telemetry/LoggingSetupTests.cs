using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using WorkloadProxy.Telemetry;

namespace WorkloadProxy.Tests.Telemetry;

/// <summary>Takes the process's standard error for itself, so it runs alone.</summary>
[CollectionDefinition(nameof(LoggingSetupTests), DisableParallelization = true)]
[Collection(nameof(LoggingSetupTests))]
public sealed class LoggingSetupTests
{
    [Fact]
    public void A_log_entry_is_one_json_object_on_one_line()
    {
        var lines = Log(terminal: false, factory => factory.CreateLogger("Policies").LogError(new InvalidOperationException("broken"), "one\n{Name}", "two"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var entry = JsonDocument.Parse(Assert.Single(lines)).RootElement;
        Assert.Equal(("Error", "Policies", "one\ntwo"),
            (entry.GetProperty("LogLevel").GetString(), entry.GetProperty("Category").GetString(), entry.GetProperty("Message").GetString()));
        Assert.EndsWith("Z", entry.GetProperty("Timestamp").GetString());
    }

    [Fact]
    public void A_thing_is_said_once_and_what_people_read_is_not_escaped() =>
        Assert.Matches("""^\{"Timestamp":"[^"]+","LogLevel":"Warning","Category":"Policies","Message":"the policy `é\+<a>` isn't\\u202E in force"\}\r?\n$""",
            Log(terminal: false, factory => factory.CreateLogger("Policies").LogWarning("the policy `{Name}` isn't\u202e in force", "é+<a>")));

    [Fact]
    public void On_a_terminal_it_is_text() =>
        Assert.Contains("Policies[0]\n      hello\n", Log(terminal: true, factory => factory.CreateLogger("Policies").LogWarning("hello"))
            .ReplaceLineEndings("\n"));

    [Fact]
    public void The_frameworks_own_requests_are_left_out_unless_they_are_asked_for()
    {
        static void Write(ILoggerFactory factory) => factory.CreateLogger("Microsoft.AspNetCore.Hosting").LogInformation("request");
        Assert.Equal("", Log(terminal: false, Write));
        Assert.Contains("request", Log(terminal: false, Write, ("Logging:LogLevel:Microsoft.AspNetCore", "Information")));
    }

    private static string Log(bool terminal, Action<ILoggerFactory> write, params (string Key, string? Value)[] settings)
    {
        var framework = new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value))).Build();
        var before = Console.Error;
        using var text = new StringWriter();
        Console.SetError(text);
        try
        {
            using (var factory = LoggerFactory.Create(logging => LoggingSetup.Configure(logging, framework, terminal))) write(factory);
        }
        finally
        {
            Console.SetError(before);
        }
        return text.ToString();
    }
}
