using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sandbox.Cloud;

/// <summary>A commit status as it was set.</summary>
public sealed record CommitStatus(string Repository, string Sha, string State, string Description, string Context, string Token);

/// <summary>
/// GitHub's API as far as an App's tokens, commit statuses and check runs go. There is one App, whose JWTs are verified with its public key, installed on every
/// repository unless told otherwise.
/// </summary>
public sealed class GitHub(SandboxOptions options)
{
    private static readonly TimeSpan longestAssertion = TimeSpan.FromMinutes(10);
    private readonly Lock gate = new();
    private readonly Dictionary<string, IssuedToken> issued = new(StringComparer.Ordinal);
    private ImmutableList<CommitStatus> statuses = [];
    private ImmutableList<CheckRun> checkRuns = [];
    private RSA key = RSA.Create(2048);

    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>The App's private key, as GitHub lets one download it (PKCS #1). A new one makes the old worthless.</summary>
    public string PrivateKeyPem => key.ExportRSAPrivateKeyPem();

    public long InstallationId { get; set; } = 7654321;

    /// <summary>By <c>owner/repository</c>.</summary>
    public Predicate<string> IsInstalledOn { get; set; } = _ => true;

    /// <summary>What the installation grants.</summary>
    public Dictionary<string, string> Permissions { get; } = new()
        { ["metadata"] = "read", ["contents"] = "read", ["statuses"] = "write", ["checks"] = "write" };

    public TimeSpan TokenLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>What was set, in order.</summary>
    public IReadOnlyList<CommitStatus> Statuses => statuses;

    /// <summary>In the order of their making, with the annotations of all calls.</summary>
    public IReadOnlyList<CheckRun> CheckRuns => checkRuns;

    public void RotateKey() => key = RSA.Create(2048);

    public void RevokeTokens()
    {
        lock (gate) issued.Clear();
    }

    /// <summary><c>GET /repos/{owner}/{repo}/installation</c></summary>
    internal IResult FindInstallation(HttpRequest request, string owner, string repository)
    {
        if (!IsSignedByApp(request)) return Unsigned;
        return IsInstalledOn($"{owner}/{repository}") ? Results.Json(new { id = InstallationId, account = new { login = owner }, permissions = Permissions })
            : Message(404, "Not Found");
    }

    /// <summary><c>POST /app/installations/{id}/access_tokens</c></summary>
    internal async Task<IResult> IssueTokenAsync(HttpRequest request, long id)
    {
        if (!IsSignedByApp(request)) return Unsigned;
        if (id != InstallationId) return Message(404, "Not Found");
        var body = request.ContentLength is 0 ? null : await JsonNode.ParseAsync(request.Body);
        var repositories = body?["repositories"]?.AsArray().Select(name => name!.GetValue<string>()).ToArray() ?? [];
        var permissions = body?["permissions"]?.AsObject().ToDictionary(one => one.Key, one => one.Value!.GetValue<string>()) ?? Permissions;
        if (permissions.Any(one => Permissions.GetValueOrDefault(one.Key) is not { } granted || (granted == "read" && one.Value != "read")))
            return Message(422, "The permissions requested are not granted to this installation.");

        var token = new IssuedToken($"ghs_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(18))}", Time.GetUtcNow() + TokenLifetime, repositories,
            permissions);
        lock (gate) issued[token.Text] = token;
        return Results.Json(new { token = token.Text, expires_at = token.Ends.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ"), permissions,
            repository_selection = "selected" }, statusCode: 201);
    }

    /// <summary><c>POST /repos/{owner}/{repo}/statuses/{sha}</c></summary>
    internal async Task<IResult> SetStatusAsync(HttpRequest request, string owner, string repository, string sha)
    {
        var bearer = Bearer(request);
        if (bearer != options.GitHubToken && Refusal(bearer, repository, "statuses") is { } refusal) return refusal;
        var body = await JsonNode.ParseAsync(request.Body);
        var (state, description, name) = (Text(body, "state"), Text(body, "description"), Text(body, "context"));
        if (sha.Length is not (40 or 64) || !sha.All(char.IsAsciiHexDigitLower)) return Message(422, $"No commit found for SHA: {sha}");
        if (state is not ("error" or "failure" or "pending" or "success")) return Message(422, "Validation Failed: state");
        if (description.Length > 140) return Message(422, "Validation Failed: description is too long (maximum is 140 characters)");
        var status = new CommitStatus($"{owner}/{repository}", sha, state, description, name, bearer);
        ImmutableInterlocked.Update(ref statuses, list => list.Add(status));
        return Results.Json(new { state, description, context = name }, statusCode: 201);
    }

    /// <summary><c>POST /repos/{owner}/{repo}/check-runs</c>, for Apps only.</summary>
    internal async Task<IResult> CreateCheckRunAsync(HttpRequest request, string owner, string repository)
    {
        if (Refusal(Bearer(request), repository, "checks") is { } refusal) return refusal;
        var body = await JsonNode.ParseAsync(request.Body);
        if (!CheckAnnotation.TryReadAll(body, out var annotations)) return Message(422, "Invalid request: annotations");
        var run = new CheckRun($"{owner}/{repository}", Text(body, "head_sha"), Text(body, "name"), Text(body, "status"), Text(body, "conclusion"),
            Text(body?["output"], "summary"), annotations);
        lock (gate) checkRuns = checkRuns.Add(run);
        return Results.Json(new { id = checkRuns.Count, head_sha = run.Sha, status = run.Status, conclusion = run.Conclusion }, statusCode: 201);
    }

    /// <summary><c>PATCH /repos/{owner}/{repo}/check-runs/{id}</c>: annotations are added to those that are there.</summary>
    internal async Task<IResult> UpdateCheckRunAsync(HttpRequest request, string owner, string repository, int id)
    {
        if (Refusal(Bearer(request), repository, "checks") is { } refusal) return refusal;
        if (id < 1 || id > checkRuns.Count || checkRuns[id - 1].Repository != $"{owner}/{repository}") return Message(404, "Not Found");
        if (!CheckAnnotation.TryReadAll(await JsonNode.ParseAsync(request.Body), out var annotations)) return Message(422, "Invalid request: annotations");
        lock (gate) checkRuns = checkRuns.SetItem(id - 1, checkRuns[id - 1] with { Annotations = [.. checkRuns[id - 1].Annotations, .. annotations] });
        return Results.Json(new { id });
    }

    /// <summary><c>GET /repos/{owner}/{repo}/contents/{path}</c>: every file holds its own path.</summary>
    internal IResult ReadContent(HttpRequest request, string owner, string repository, string path) => Refusal(Bearer(request), repository, "contents", "read")
        ?? Results.Json(new { type = "file", name = path.Split('/')[^1], path, encoding = "base64",
            content = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{owner}/{repository}: {path}\n")) });

    /// <summary><c>DELETE /installation/token</c>: the token that is presented ends.</summary>
    internal IResult RevokeToken(HttpRequest request)
    {
        lock (gate) return issued.Remove(Bearer(request)) ? Results.NoContent() : Message(401, "Bad credentials");
    }

    private IResult? Refusal(string bearer, string repository, string permission, string level = "write")
    {
        IssuedToken? token;
        lock (gate) token = issued.GetValueOrDefault(bearer);
        if (token is null || token.Ends <= Time.GetUtcNow()) return Message(401, "Bad credentials");
        if (token.Repositories.Length > 0 && !token.Repositories.Contains(repository)) return Message(404, "Not Found");
        return token.Permissions.GetValueOrDefault(permission) is { } its && (its == "write" || its == level)
            ? null : Message(403, "Resource not accessible by integration");
    }

    private static IResult Unsigned => Message(401, "A JSON web token could not be decoded");

    /// <summary>RS256 by the App's key, of the App, begun already, and at most ten minutes long from now.</summary>
    private bool IsSignedByApp(HttpRequest request)
    {
        try
        {
            if (Bearer(request).Split('.') is not [var header, var claims, var signature]) return false;
            using var verifier = RSA.Create(key.ExportParameters(includePrivateParameters: false));
            if (!verifier.VerifyData(Encoding.ASCII.GetBytes($"{header}.{claims}"), Decode(signature), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
                return false;
            var (alg, payload) = (JsonNode.Parse(Decode(header))!["alg"]?.GetValue<string>(), JsonNode.Parse(Decode(claims))!);
            var (issued, expires) = (payload["iat"]!.GetValue<long>(), payload["exp"]!.GetValue<long>());
            var now = Time.GetUtcNow().ToUnixTimeSeconds();
            return alg == "RS256" && (Text(payload, "iss") == options.GitHubAppId || Text(payload, "iss") == options.GitHubClientId)
                && issued <= now && now < expires && expires <= now + (long)longestAssertion.TotalSeconds;
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException or NullReferenceException)
        {
            return false;
        }
    }

    private static byte[] Decode(string text) => System.Buffers.Text.Base64Url.DecodeFromChars(text);

    private static string Bearer(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var value && value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? value[7..] : "";

    private static string Text(JsonNode? json, string name) =>
        json?[name] is { } node && node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : "";

    private static IResult Message(int status, string message) =>
        Results.Json(new { message, documentation_url = "https://docs.github.com/rest", status = $"{status}" }, statusCode: status);

    private sealed record IssuedToken(string Text, DateTimeOffset Ends, string[] Repositories, Dictionary<string, string> Permissions);
}

internal static class GitHubEndpoints
{
    /// <summary>At the root, as <c>api.github.com</c> has it, and under <c>/api/v3</c>, as an Enterprise server has it.</summary>
    public static void MapGitHub(this WebApplication app, GitHub github)
    {
        foreach (var prefix in new[] { "", "/api/v3" })
        {
            app.MapGet(prefix + "/repos/{owner}/{repository}/installation", github.FindInstallation);
            app.MapPost(prefix + "/app/installations/{id:long}/access_tokens", github.IssueTokenAsync);
            app.MapPost(prefix + "/repos/{owner}/{repository}/statuses/{sha}", github.SetStatusAsync);
            app.MapPost(prefix + "/repos/{owner}/{repository}/check-runs", github.CreateCheckRunAsync);
            app.MapGet(prefix + "/repos/{owner}/{repository}/contents/{*path}", github.ReadContent);
            app.MapDelete(prefix + "/installation/token", github.RevokeToken);
            app.MapPatch(prefix + "/repos/{owner}/{repository}/check-runs/{id:int}", github.UpdateCheckRunAsync);
        }
        app.MapGet("/_sandbox/github/private-key", () => Results.Text(github.PrivateKeyPem, "application/x-pem-file"));
        app.MapGet("/_sandbox/github/statuses",
            () => Results.Json(github.Statuses.Select(status => new { status.Repository, status.Sha, status.State, status.Description, status.Context })));
    }

    /// <summary>Where GitHub's own tokens are checked, not the cloud's.</summary>
    public static bool IsGitHubs(string target) =>
        target.StartsWith("/repos/", StringComparison.Ordinal) || target.StartsWith("/app/", StringComparison.Ordinal)
        || target.StartsWith("/installation/", StringComparison.Ordinal) || target.StartsWith("/api/v3/", StringComparison.Ordinal);
}
