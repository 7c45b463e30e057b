using Microsoft.Extensions.Logging.Console;

namespace WorkloadProxy.Telemetry;

/// <summary>Logs go to standard error: readable on a terminal, one JSON object a line elsewhere. Standard output is the audit's.</summary>
internal static class LoggingSetup
{
    /// <summary><paramref name="framework"/> holds the section <c>Logging</c>, as ASP.NET reads it.</summary>
    public static void Configure(ILoggingBuilder logging, IConfiguration framework, bool terminal)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(LogLevel.Information);
        // every request has its audit line; the framework's two more would only repeat it
        logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("Yarp", LogLevel.Warning).AddFilter("System.Net.Http", LogLevel.Warning)
            .AddFilter("Microsoft.Hosting", LogLevel.Warning);
        // a line for each connection beyond the limit would let anyone fill the log
        logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.Connections", LogLevel.Error);
        logging.AddConfiguration(framework.GetSection("Logging"));
        // below a warning these write targets with their queries, or what a broken request held: never, whatever is configured
        foreach (var category in (string[])["Microsoft.AspNetCore.Hosting.Diagnostics", "Microsoft.AspNetCore.Server.Kestrel.BadRequests",
            "Yarp.ReverseProxy.Forwarder.HttpForwarder"])
        {
            var configured = Configured(framework.GetSection("Logging:LogLevel"), category);
            logging.AddFilter<ConsoleLoggerProvider>(category, configured > LogLevel.Warning ? configured : LogLevel.Warning);
        }
        logging.AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        if (terminal)
        {
            logging.AddSimpleConsole(options =>
            {
                options.SingleLine = false;
                options.TimestampFormat = "HH:mm:ss ";
                options.ColorBehavior = Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 }
                    ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
            });
        }
        else
        {
            logging.Services.AddSingleton(TimeProvider.System);
            logging.AddConsoleFormatter<JsonLogFormatter, ConsoleFormatterOptions>();
            logging.AddConsole(options => options.FormatterName = JsonLogFormatter.FormatterName);
        }
    }

    private static LogLevel Configured(IConfigurationSection levels, string category)
    {
        var closest = levels.GetChildren().Where(level => level.Key == "Default" || category.StartsWith(level.Key, StringComparison.OrdinalIgnoreCase))
            .MaxBy(level => level.Key == "Default" ? 0 : level.Key.Length);
        return Enum.TryParse<LogLevel>(closest?.Value, ignoreCase: true, out var level) ? level : LogLevel.Warning;
    }
}
