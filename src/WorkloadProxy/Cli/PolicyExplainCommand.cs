using System.CommandLine;
using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli;

/// <summary><c>policy explain</c>: the decision on one request, and why.</summary>
internal static class PolicyExplainCommand
{
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var input = new PolicyInput();
        var token = new Option<string>("--token") { HelpName = "FILE", Description = "The caller's token; - is standard input. Its signature is not checked." };
        var claims = new Option<string>("--claims") { HelpName = "FILE", Description = "The caller's claims as JSON; without `iss` they are a token of this proxy." };
        var method = new Option<string>("--method") { HelpName = "M", Description = "The request's method.", DefaultValueFactory = _ => "GET" };
        var path = new Option<string>("--path") { HelpName = "P[?query]", Required = true, Description = "The request's path and query, as sent." };
        var body = new Option<string>("--body") { HelpName = "FILE", Description = "The request's body." };
        var contentType = new Option<string>("--content-type") { HelpName = "TYPE", Description = "The body's type.", DefaultValueFactory = _ => "application/json" };
        var format = new Option<string>("--format") { HelpName = "text|json", Description = "How the decision is written.", DefaultValueFactory = _ => "text" };
        format.AcceptOnlyFromAmong("text", "json");
        var command = input.AddTo(new Command("explain", "Says what would become of a request, and why. Exits with 0 if it is permitted and 3 if it is denied."));
        foreach (var option in (Option[])[token, claims, method, path, body, contentType, format]) command.Add(option);
        command.SetAction(_ => terminal.Fail("`policy explain` is not available in this version"));
        return command;
    }
}
