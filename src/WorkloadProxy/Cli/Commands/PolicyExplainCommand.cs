using System.CommandLine;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy explain</c>: the decision on one request, and why.</summary>
internal static class PolicyExplainCommand
{
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var input = new PolicyInput();
        var token = new Option<string>("--token")
            { HelpName = "FILE", Description = "The caller's token; - is standard input. Its signature and lifetime are not checked." };
        var claims = new Option<string>("--claims")
            { HelpName = "FILE", Description = "The caller's claims as JSON; without `iss` they are a token of this proxy." };
        var method = new Option<string>("--method") { HelpName = "M", Description = "The request's method." };
        var path = new Option<string>("--path") { HelpName = "P[?query]", Description = "The request's path and query, as sent." };
        var body = new Option<string>("--body") { HelpName = "FILE", Description = "The request's body." };
        var contentType = new Option<string>("--content-type")
            { HelpName = "TYPE", Description = "The body's type.", DefaultValueFactory = _ => "application/json" };
        var call = new McpCallOptions();
        var now = new Option<string>("--now") { HelpName = "TIME", Description = "The moment the request is made (RFC 3339); now, unless given." };
        var droplet = new Option<string>("--droplet")
            { HelpName = "ID", Description = "The caller is this VM: its token has `droplet_id` and matches only the roles for VMs." };
        var format = OutputFormat.TextOrJson();
        var command = input.AddTo(new Command("explain",
            "Explains whether a request would be allowed, and why. Exits with 0 if it is permitted and 3 if it is denied."));
        foreach (var option in (Option[])[token, claims, method, path, body, contentType, now, droplet, format]) command.Add(option);
        call.AddTo(command);
        command.SetAction(parsed =>
        {
            if (call.Problem(parsed, parsed.GetValue(method), parsed.GetValue(path)) is { } problem) return terminal.Fail(problem);
            if (!input.TryGetOptions(parsed, out var options, out var error)) return terminal.Fail(error);
            var moment = time.GetUtcNow();
            if (parsed.GetValue(now) is { } text && !Rfc3339.TryParse(text, out moment))
                return terminal.Fail($"`{text}` is not a time, expected RFC 3339, for instance `2026-03-01T12:00:00Z`");
            if (!CallerClaims.TryRead(parsed.GetValue(token), parsed.GetValue(claims), parsed.GetValue(droplet), !input.HasContext(parsed), options,
                out var caller, out error))
                return terminal.Fail(error);
            options = caller.Options;
            byte[]? content = [];
            if (parsed.GetValue(body) is { } file && !InputFile.TryRead(file, out content, out error)) return terminal.Fail(error);

            var isJson = parsed.GetValue(format) == "json";
            if (!input.TryCompile(parsed, options, out var compiled, out error)) return terminal.Fail(error);
            if (compiled.Set is not { } set)
            {
                if (isJson) terminal.WriteJson(json => DiagnosticOutput.WriteJsonObject(json, compiled.Diagnostics, compiled.Files));
                else compiled.TryGetSet(terminal, out _);
                return ExitCode.Findings;
            }
            if (call.Server(parsed) is { } server)
            {
                if (!call.TryRead(parsed, moment, out var asked, out error)) return terminal.Fail(error);
                var explained = McpExplanation.Explain(set, caller.Claims, server, asked);
                if (isJson) terminal.WriteJson(explained.WriteJson);
                else terminal.Write(explained.ToString());
                return explained.Allowed ? ExitCode.Ok : ExitCode.Denied;
            }
            var request = new ExplainedRequest(parsed.GetValue(method)!, parsed.GetValue(path)!, moment)
                { Body = content!, ContentType = parsed.GetValue(contentType)! };
            var explanation = PolicyExplainer.Explain(set, caller.Claims, request);
            if (isJson) terminal.WriteJson(explanation.WriteJson);
            else ExplainOutput.WriteText(terminal, request, explanation);
            return explanation.Allowed ? ExitCode.Ok : ExitCode.Denied;
        });
        return command;
    }
}
