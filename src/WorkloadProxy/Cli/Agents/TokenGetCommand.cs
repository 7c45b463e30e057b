using System.CommandLine;
using System.Text;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Mcp.Protocol;

namespace WorkloadProxy.Cli.Agents;

/// <summary><c>token get</c>: prints a fresh token of this workload, exchanged if a role is named.</summary>
internal static class TokenGetCommand
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(5);

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var input = new TokenInput();
        var format = OutputFormat.Of("token", "headers", "json", "github");
        var write = new Option<string>("--write") { HelpName = "FILE", Description = "Write it to this file (mode 0600) instead of printing it." };
        var watch = new Option<bool>("--watch") { Description = "Go on, and write the file anew at two thirds of each token's life." };
        var command = new Command("get", "Gets a token of this workload, and exchanges it if a role is named.") { format, write, watch };
        input.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(watch) && parsed.GetValue(write) is null) return terminal.Fail("expected `--write FILE` with `--watch`");
            if (!input.TryRead(parsed, null, out var request, out var error)) return terminal.Fail(error);
            using var fetcher = new TokenFetcher(request, time);
            try
            {
                var token = await fetcher.GetAsync(fresh: false, cancellationToken);
                Hand(terminal, token, parsed.GetValue(format)!, parsed.GetValue(write), time);
                if (parsed.GetValue(watch))
                    await WatchAsync(fetcher, token, terminal, parsed.GetValue(format)!, parsed.GetValue(write)!, time, cancellationToken);
                return ExitCode.Ok;
            }
            catch (TokenException problem)
            {
                return terminal.Fail(problem.Message);
            }
        });
        return command;
    }

    private static async Task WatchAsync(TokenFetcher fetcher, FetchedToken token, Terminal terminal, string format, string file, TimeProvider time,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            var now = time.GetUtcNow();
            var wait = token is { Expires: { } expires } ? ((token.Issued ?? now) + ((expires - (token.Issued ?? now)) * 2 / 3)) - now
                : TimeSpan.FromMinutes(1);
            await Task.Delay(wait > patience ? wait : patience, time, cancellationToken);
            try
            {
                token = await fetcher.GetAsync(fresh: true, cancellationToken);
                Hand(terminal, token, format, file, time);
            }
            catch (TokenException problem)
            {
                // the token that is there lives for a while yet
                terminal.Fail(problem.Message);
            }
        }
    }

    private static void Hand(Terminal terminal, FetchedToken token, string format, string? file, TimeProvider time)
    {
        if (format == "github") terminal.WriteLine($"::add-mask::{token.Token}");
        if (format == "github" && file is null)
        {
            if (Environment.GetEnvironmentVariable("GITHUB_OUTPUT") is not { Length: > 0 } outputs)
                throw new TokenException("`GITHUB_OUTPUT` is not set: expected to run in a step of GitHub Actions");
            File.AppendAllText(outputs, $"token={token.Token}\n");
            return;
        }
        var text = format switch
        {
            "headers" => $"{{\"Authorization\":{McpJson.Quote($"Bearer {token.Token}")}}}",
            "json" => Json(token, time),
            _ => token.Token,
        };
        if (file is null) terminal.WriteLine(text);
        else KeptToken.Replace(file, text);
    }

    private static string Json(FetchedToken token, TimeProvider time)
    {
        var json = new StringBuilder($"{{\"token\":{McpJson.Quote(token.Token)},\"token_type\":\"Bearer\"");
        if (token.Expires is { } expires)
            json.Append($",\"expires_in\":{(long)(expires - time.GetUtcNow()).TotalSeconds},\"expires_at\":\"{expires:yyyy-MM-dd'T'HH:mm:ss'Z'}\"");
        return json.Append('}').ToString();
    }
}
