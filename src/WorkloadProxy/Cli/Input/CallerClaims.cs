using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Input;

/// <summary>
/// Whom <c>policy explain</c> asks for: a token as it is, or claims completed to those of a token of this proxy; and for which context, which the token's own
/// <c>aud</c> names where the command line does not.
/// </summary>
internal sealed record CallerClaims(Claims Claims, CompileOptions Options)
{
    public static bool TryRead(string? tokenFile, string? claimsFile, string? droplet, bool audienceNamesContext, CompileOptions options,
        [NotNullWhen(true)] out CallerClaims? caller, [NotNullWhen(false)] out string? error)
    {
        caller = null;
        if (!TryRead(tokenFile, claimsFile, out var claims, out error)) return false;
        if (audienceNamesContext && AuthContext.TryParse(claims.String("aud"), out var context)) options = options with { Context = context };
        caller = new(Complete(claims, isToken: tokenFile is not null, droplet, options), options);
        return true;
    }

    private static bool TryRead(string? tokenFile, string? claimsFile, [NotNullWhen(true)] out Claims? claims, [NotNullWhen(false)] out string? error)
    {
        claims = null;
        error = tokenFile is null == claimsFile is null ? "expected one of `--token FILE` and `--claims FILE`" : null;
        if (error is not null || !InputFile.TryRead(tokenFile ?? claimsFile!, out var content, out error)) return false;
        var name = InputFile.Name(tokenFile ?? claimsFile!);
        if (tokenFile is null)
        {
            if (Claims.TryParse(content.AsMemory(content.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0), out claims, out error)) return true;
            error = $"`{name}`: {error}";
            return false;
        }
        if (TokenText.TryParse(content, out var token, out error)) claims = token.Claims;
        else error = $"`{name}` {error}";
        return claims is not null;
    }

    private static Claims Complete(Claims given, bool isToken, string? droplet, CompileOptions options)
    {
        if (isToken && droplet is null) return given;
        var members = JsonObject.Create(given.Root)!;
        if (!isToken)
        {
            members.TryAdd("iss", options.OwnIssuer);
            members.TryAdd("aud", options.Context.ToString());
            if (members["iss"] is JsonValue issuer && issuer.GetValueKind() == JsonValueKind.String && issuer.GetValue<string>() == options.OwnIssuer)
                members.TryAdd("actx_source", options.Context.ToString());
        }
        if (droplet is not null) members["droplet_id"] = droplet;
        return Claims.Parse(JsonSerializer.SerializeToUtf8Bytes(members));
    }
}
