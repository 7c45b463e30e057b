using Microsoft.AspNetCore.Http.Features;
using Sandbox.Models;
using Sandbox.OAuth;

namespace Sandbox.Cloud;

/// <summary>
/// Who is asking: the team, a user of it, a user who may read only, or the ATProto account. Control and <c>/anything</c> ask for nothing, GitHub's paths for
/// its own tokens.
/// </summary>
internal sealed class TokenCheck(SandboxOptions options, OAuthServer oauth)
{
    public Task Check(HttpContext context, RequestDelegate next)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target.StartsWith("/_sandbox/", StringComparison.Ordinal) || target.StartsWith("/anything", StringComparison.Ordinal)
            || target.StartsWith(OAuthEndpoints.Prefix, StringComparison.Ordinal) || target.StartsWith(DepotEndpoints.Prefix, StringComparison.Ordinal)
            || GitHubEndpoints.IsGitHubs(target))
            return next(context);

        var authorization = context.Request.Headers.Authorization;
        var token = authorization.Count == 1 && authorization[0] is { } value && value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            ? value[7..] : "";
        if (authorization.Count == 0 && target.StartsWith(Anthropic.Path, StringComparison.Ordinal))
            token = context.Request.Headers[Anthropic.KeyHeader].ToString();
        if (target.StartsWith("/xrpc/", StringComparison.Ordinal))
        {
            return token == options.AtProtoToken
                ? next(context) : Results.Json(new { error = "AuthMissing", message = "Authentication Required" }, statusCode: 401).ExecuteAsync(context);
        }
        if (token == options.TeamToken || token == options.UserToken) return next(context);
        var grant = oauth.Find(token);
        if (grant?.Scopes.Contains("write") == true) return next(context);
        if (token != options.ReadOnlyToken && grant is null) return DigitalOceanError.Unauthorized.ExecuteAsync(context);
        return HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)
            ? next(context) : DigitalOceanError.Forbidden.ExecuteAsync(context);
    }
}
