using System.CommandLine;
using System.Text.Json;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Control;
using WorkloadProxy.Health;
using WorkloadProxy.Requests;
using WorkloadProxy.Storage;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>status</c>: readiness in full, asked over the control socket.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(10);

    public static Command Create(SettingsInput settings, Terminal terminal)
    {
        var format = OutputFormat.TextOrJson();
        var command = settings.AddTo(new Command("status", "Shows the state of the running server and its policy sets. Exits with 1 if it is not ready.")
            { format });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var json = parsed.GetValue(format) == "json";
            if (!settings.TryLoad(parsed, terminal, out var options, out var exitCode, json: json)) return exitCode;
            var reply = await ControlClient.SendAsync(options.DataDirectory, HealthProbe.CommandName, null, patience, cancellationToken);
            if (reply is not { Error: null })
            {
                var problem = reply?.Error ?? $"no server is running on `{options.DataDirectory}`";
                if (json) terminal.WriteJsonError(problem);
                return terminal.Fail(problem);
            }
            if (json) terminal.WriteJson(reply.Result.WriteTo);
            else Write(terminal, reply.Result);
            return reply.Result.GetProperty("status").GetString() == "unavailable" ? ExitCode.Findings : ExitCode.Ok;
        });
        return command;
    }

    private static void Write(Terminal terminal, JsonElement report)
    {
        WriteStatus(terminal, "server", report);
        foreach (var component in report.GetProperty("components").EnumerateObject())
        {
            WriteStatus(terminal, component.Name, component.Value);
            if (!component.Value.TryGetProperty("contexts", out var contexts)) continue;
            foreach (var context in contexts.EnumerateArray()) WriteContext(terminal, context);
        }
    }

    private static void WriteContext(Terminal terminal, JsonElement context)
    {
        WriteStatus(terminal, "  " + Text(context, "context"), context);
        terminal.WriteLine($"    {Text(context, "source")}, version "
            + $"{Text(context, "version") ?? "none"}{(Text(context, "since") is { } since ? $", since {since}" : "")}", Colour.Faint);
        if (!context.TryGetProperty("last_error", out var error) || error.ValueKind != JsonValueKind.Object) return;
        terminal.WriteLine($"    {Text(error, "time")}: {Text(error, "message")}", Colour.Red);
        foreach (var diagnostic in error.GetProperty("diagnostics").EnumerateArray())
            terminal.WriteLine($"    {Text(diagnostic, "severity")}: "
                + $"{Text(diagnostic, "file")}:{diagnostic.GetProperty("line")}:{diagnostic.GetProperty("column")}: {Text(diagnostic, "summary")}");
    }

    private static void WriteStatus(Terminal terminal, string name, JsonElement of)
    {
        var status = Text(of, "status") ?? "unknown";
        terminal.Write($"{name}: ");
        terminal.Write(status, status switch { "ok" => Colour.Green, "degraded" => Colour.Yellow, _ => Colour.Red });
        terminal.WriteLine(of.TryGetProperty("detail", out var detail) ? $" ({detail.GetString()})" : "");
    }

    private static string? Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
