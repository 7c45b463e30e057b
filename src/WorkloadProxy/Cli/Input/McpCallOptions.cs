using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Input;

/// <summary>The options of <c>policy explain</c> for a call of an MCP server in place of a request.</summary>
internal sealed class McpCallOptions
{
    private readonly Option<string> server = new("--server") { HelpName = "S", Description = "An MCP server; with --tool, --prompt or --resource." };
    private readonly (Option<string> Option, McpKind Kind)[] names =
    [
        (new("--tool") { HelpName = "N", Description = "The tool that is called." }, McpKind.Tool),
        (new("--prompt") { HelpName = "N", Description = "The prompt that is fetched." }, McpKind.Prompt),
        (new("--resource") { HelpName = "URI", Description = "The resource that is read." }, McpKind.Resource),
    ];
    private readonly Option<string> arguments = new("--arguments")
        { HelpName = "FILE", Description = "The call's arguments as a JSON object; - is standard input." };

    public void AddTo(Command command)
    {
        command.Add(server);
        foreach (var (option, _) in names) command.Add(option);
        command.Add(arguments);
    }

    public string? Server(ParseResult parsed) => parsed.GetValue(server);

    /// <summary>What is wrong with the options together, or null.</summary>
    public string? Problem(ParseResult parsed, string? method, string? path)
    {
        var named = names.Count(name => parsed.GetValue(name.Option) is not null);
        if (Server(parsed) is null)
            return named > 0 ? "expected `--server` with `--tool`, `--prompt` or `--resource`" : method is null
                || path is null ? "expected `--method` and `--path`, or `--server`" : null;
        if (method is not null || path is not null) return "`--method` and `--path` are for HTTP requests, `--server` is for MCP calls: expected one of them";
        return named == 1 ? null : "expected one of `--tool`, `--prompt` and `--resource` with `--server`";
    }

    public bool TryRead(ParseResult parsed, DateTimeOffset now, [NotNullWhen(true)] out McpRequest? request, [NotNullWhen(false)] out string? error)
    {
        request = null;
        error = null;
        byte[]? content = [];
        if (parsed.GetValue(arguments) is { } file && !InputFile.TryRead(file, out content, out error)) return false;
        if (content!.Length > 0
            && (!RequestBody.TryParseJson(content, out var body, out error) || body.Json.ValueKind != System.Text.Json.JsonValueKind.Object))
        {
            error ??= "the arguments are not a JSON object";
            return false;
        }
        var (option, kind) = names.First(name => parsed.GetValue(name.Option) is not null);
        request = new McpRequest
        {
            Kind = kind, Name = parsed.GetValue(option)!, Now = now, Arguments = content,
            Method = kind switch { McpKind.Tool => "tools/call", McpKind.Prompt => "prompts/get", _ => "resources/read" },
        };
        return true;
    }
}
