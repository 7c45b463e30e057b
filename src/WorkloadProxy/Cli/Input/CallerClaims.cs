using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Input;

/// <summary>Whom <c>policy explain</c> asks for: a token as it is, or claims with what a token of this proxy would have beside them.</summary>
internal static class CallerClaims
{
    public static bool TryRead(string? tokenFile, string? claimsFile, CompileOptions options, [NotNullWhen(true)] out Claims? claims, [NotNullWhen(false)] out string? error)
    {
        claims = null;
        error = tokenFile is null == claimsFile is null ? "expected one of `--token FILE` and `--claims FILE`" : null;
        if (error is not null || !InputFile.TryRead(tokenFile ?? claimsFile!, out var content, out error)) return false;
        var name = InputFile.Name(tokenFile ?? claimsFile!);
        if (tokenFile is not null)
        {
            if (TokenText.TryParse(content, out var token, out error))
            {
                claims = token.Claims;
                return true;
            }
            error = $"`{name}` {error}";
            return false;
        }
        if (!Claims.TryParse(content.AsMemory(content.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0), out var given, out error))
        {
            error = $"`{name}`: {error}";
            return false;
        }
        claims = Complete(given, options);
        return true;
    }

    private static Claims Complete(Claims given, CompileOptions options)
    {
        var members = JsonObject.Create(given.Root)!;
        members.TryAdd("iss", options.OwnIssuer);
        members.TryAdd("aud", options.Context.ToString());
        if (members["iss"] is JsonValue issuer && issuer.GetValueKind() == JsonValueKind.String && issuer.GetValue<string>() == options.OwnIssuer) members.TryAdd("actx_source", options.Context.ToString());
        return Claims.Parse(JsonSerializer.SerializeToUtf8Bytes(members));
    }
}
