using System.CommandLine;
using System.Text.Json;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>token show</c>: what a JWT says, and which roles it would match. No signature is checked.</summary>
internal static class TokenShowCommand
{
    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var input = new PolicyInput();
        var file = new Argument<string>("FILE") { Description = "The file that holds the JWT; - is standard input." }.NoOption();
        var directory = new Option<string>("--dir") { HelpName = "DIR", Description = "The policy set whose roles it is held against." };
        var format = OutputFormat.TextOrJson();
        var command = input.AddTo(new Command("show", "Decodes a JWT and says which roles it would match. It checks no signature.") { file, directory },
            withDirectory: false);
        command.Add(format);
        command.SetAction(parsed =>
        {
            if (!input.TryGetOptions(parsed, out var options, out var error)) return terminal.Fail(error);
            var name = parsed.GetValue(file)!;
            if (!InputFile.TryRead(name, out var content, out error)) return terminal.Fail(error);
            if (!TokenText.TryParse(content, out var token, out error)) return terminal.Fail($"`{InputFile.Name(name)}` {error}");

            // the token itself says for which context it is
            if (!input.HasContext(parsed) && AuthContext.TryParse(token.Claims.String("aud"), out var context)) options = options with { Context = context };
            IReadOnlyList<RoleExplanation>? roles = null;
            if (parsed.GetValue(directory) is { } policies)
            {
                if (!PolicyInput.Compile(policies, options).TryGetSet(terminal, out var set)) return ExitCode.Findings;
                roles = set.Roles.Select(role => role.Explain(token.Claims, time.GetUtcNow())).ToList();
            }
            if (parsed.GetValue(format) == "json") WriteJson(terminal, token, roles);
            else WriteText(terminal, token, roles, time.GetUtcNow());
            return ExitCode.Ok;
        });
        return command;
    }

    private static void WriteText(Terminal terminal, TokenText token, IReadOnlyList<RoleExplanation>? roles, DateTimeOffset now)
    {
        terminal.WriteErrorLine("the signature is not checked", Colour.Yellow);
        terminal.WriteLine("header", Colour.Bold);
        WriteMembers(terminal, token.Header, now);
        terminal.WriteLine("claims", Colour.Bold);
        WriteMembers(terminal, token.Claims, now);
        if (roles is null) return;
        terminal.WriteLine("roles", Colour.Bold);
        if (roles.Count == 0) terminal.WriteLine("  there are none");
        foreach (var role in roles.OrderByDescending(role => role.Matched))
        {
            terminal.Write(role.Matched ? "  matches        " : "  does not match ", role.Matched ? Colour.Green : Colour.Faint);
            terminal.WriteLine($"{role.Name}: {role.Reason}");
        }
    }

    private static void WriteMembers(Terminal terminal, Claims claims, DateTimeOffset now)
    {
        foreach (var member in claims.Root.EnumerateObject())
        {
            terminal.Write($"  {member.Name}: ", Colour.Cyan);
            terminal.Write(member.Value.GetRawText());
            terminal.WriteLine(TimeOf(member, now) is { } text ? $"  ({text})" : "", Colour.Faint);
        }
    }

    private static string? TimeOf(JsonProperty member, DateTimeOffset now)
    {
        if (member.Name is not ("exp" or "nbf" or "iat" or "auth_time") || member.Value.ValueKind != JsonValueKind.Number
            || !member.Value.TryGetDouble(out var seconds))
            return null;
        if (seconds is not (>= 0 and < 253402300800)) return null;
        var time = DateTimeOffset.FromUnixTimeSeconds((long)seconds);
        var text = Rfc3339.Text(time);
        return member.Name == "exp" && time <= now ? text + ", expired" : member.Name == "nbf" && time > now ? text + ", not yet valid" : text;
    }

    private static void WriteJson(Terminal terminal, TokenText token, IReadOnlyList<RoleExplanation>? roles) => terminal.WriteJson(json =>
    {
        json.WriteStartObject();
        json.WriteBoolean("signature_checked", false);
        json.WritePropertyName("header");
        token.Header.Root.WriteTo(json);
        json.WritePropertyName("claims");
        token.Claims.Root.WriteTo(json);
        if (roles is not null) RoleExplanation.WriteJson(json, roles);
        json.WriteEndObject();
    });
}
