using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Octokit;
using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Upstreams.GitHub;

/// <summary>
/// What an installation token is to be good for and nothing else: names of repositories, and permissions such as <c>statuses:write</c>, several with a comma
/// between. An empty one is all that the installation grants. The owner is needed where the installation is not known.
/// </summary>
internal sealed record GitHubTokenScope(string Owner, string Repositories, string Permissions)
{
    /// <summary>By which the installation is found, and which a message names.</summary>
    public string FirstRepository => Repositories.Split(',')[0];

    public override string ToString() =>
        $"`{(Permissions.Length == 0 ? "all permissions" : Permissions)}` on "
            + $"`{(Repositories.Length == 0 ? Owner : string.Join(',', Repositories.Split(',').Select(name => $"{Owner}/{name}".TrimStart('/'))))}`";
}

/// <summary>An installation token and when it ends.</summary>
internal sealed record InstallationToken(Secret Secret, DateTimeOffset Ends);

/// <summary>
/// One GitHub App: its signature is exchanged for installation tokens, each for one repository and a few permissions. They are kept in memory until shortly
/// before they end; whoever wants the same token meanwhile shares one request for it.
/// </summary>
internal sealed class GitHubApp(Uri address, GitHubAppOptions options, GitHubApi api, TimeProvider time)
{
    private const int MaxScopes = 1000;
    private const int MaxKeyFile = 64 * 1024;
    private const int MinKeySize = 2048;
    // GitHub takes ten minutes at most, and clocks differ
    private static readonly TimeSpan backdated = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan lifetime = TimeSpan.FromMinutes(9);
    private static readonly TimeSpan renewedBefore = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<GitHubTokenScope, Lazy<Task<Result<InstallationToken>>>> tokens = new();

    /// <summary>A token for just this, or why there is none.</summary>
    public async Task<Result<Secret>> TokenAsync(GitHubTokenScope scope, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (!tokens.TryGetValue(scope, out var request))
            {
                if (tokens.Count >= MaxScopes) tokens.Clear();
                request = tokens.GetOrAdd(scope, key => new(() => Task.Run(() => IssueAsync(key))));
            }
            Result<InstallationToken> result;
            try
            {
                result = await request.Value.WaitAsync(cancellationToken);
            }
            catch when (request.Value.IsFaulted)
            {
                // a bug must not stay for ever
                tokens.TryRemove(new(scope, request));
                throw;
            }
            if (result.Succeeded(out var token, out var failure) && token.Ends - renewedBefore > time.GetUtcNow()) return token.Secret;
            // who waited with us has this answer too; the next asks anew
            tokens.TryRemove(new(scope, request));
            if (failure is not null) return failure;
        }
    }

    /// <summary>The token was refused: it is not handed out again.</summary>
    public void Discard(GitHubTokenScope scope, Secret token)
    {
        if (tokens.TryGetValue(scope, out var request) && request is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true, Result.Value: { } held } }
            && ReferenceEquals(held.Secret, token))
            tokens.TryRemove(new(scope, request));
    }

    /// <summary>Ends a token before its time; false when GitHub did not say that it has ended.</summary>
    public async Task<bool> RevokeAsync(Secret token, CancellationToken cancellationToken)
    {
        var answer = await api.CallAsync(address, token, async connection =>
        {
            await connection.Delete(new Uri("installation/token", UriKind.Relative));
            return "";
        }, cancellationToken);
        // 401: it has ended already
        return answer.Status is 204 or 401;
    }

    /// <summary>A new token, which nobody else gets. It does not end with a caller that waits for it.</summary>
    public async Task<Result<InstallationToken>> IssueAsync(GitHubTokenScope scope)
    {
        using var ended = new CancellationTokenSource(patience, time);
        try
        {
            if (!Sign().Succeeded(out var assertion, out var failure)) return failure;
            if (options.InstallationId is not { } installation)
            {
                var found = await api.CallAsync(address, assertion, connection => new GitHubAppsClient(connection)
                    .GetRepositoryInstallationForCurrent(Uri.EscapeDataString(scope.Owner), Uri.EscapeDataString(scope.FirstRepository)), ended.Token);
                if (found.Content is not { Id: > 0 and var id })
                    return Failed(found, found.Status switch
                    {
                        404 => $"the GitHub App is not installed on `{scope.Owner}/{scope.FirstRepository}` (404)",
                        200 when found.IsObject => $"{found.Problem} without an installation's id",
                        _ => null,
                    });
                installation = id;
            }
            // Octokit's own call asks for a token of everything that the installation grants
            var body = new Dictionary<string, object>();
            if (scope.Repositories.Length > 0) body["repositories"] = scope.Repositories.Split(',');
            if (scope.Permissions.Length > 0)
                body["permissions"] = scope.Permissions.Split(',').Select(one => one.Split(':')).ToDictionary(one => one[0], one => one[1]);
            var made = await api.CallAsync(address, assertion, connection => connection.Post<AccessToken>(
                new Uri($"app/installations/{installation.ToString(CultureInfo.InvariantCulture)}/access_tokens", UriKind.Relative), body), ended.Token);
            if (made is { Status: 201, Content: { } token }) return Read(token);
            return Failed(made, made.Status switch
            {
                201 when made.IsObject => $"`{address}` answered without a token that is valid in a header",
                404 => $"the GitHub App has no installation {installation} (404)",
                403 or 422 when made.RetryAfter is null => $"the GitHub App's installation does not grant {scope} ({made.Status})",
                _ => null,
            });
        }
        catch (OperationCanceledException)
        {
            return new Failure(ErrorId.CredentialUnavailable, $"`{address}` gave no token within {patience.TotalSeconds:0} s");
        }
    }

    private static Failure Failed(GitHubAnswer answer, string? problem) =>
        new(ErrorId.CredentialUnavailable,
            problem ?? (answer.Status == 401 ? $"{answer.Problem}: `AppId` and `PrivateKeyFile` are not of one GitHub App, or the clock is wrong"
                : answer.Problem)) { RetryAfter = answer.RetryAfter };

    private Result<InstallationToken> Read(AccessToken answer)
    {
        if (answer.Token is not { Length: > 0 and <= 4096 } text || text.Any(c => c is <= ' ' or > '~'))
            return new Failure(ErrorId.CredentialUnavailable, $"`{address}` answered without a token that is valid in a header");
        if (answer.ExpiresAt <= time.GetUtcNow() + renewedBefore)
            return new Failure(ErrorId.CredentialUnavailable, $"`{address}` answered with a token that has ended already, or has no end: is the clock right?");
        return new InstallationToken(new Secret(text), answer.ExpiresAt);
    }

    /// <summary>The App's own JWT. The key is read for each: a new file counts at once, and none lies in memory.</summary>
    private Result<Secret> Sign()
    {
        try
        {
            using var key = RSA.Create();
            key.ImportFromPem(ReadKey());
            if (key.KeySize < MinKeySize) return Unusable($"holds an RSA key of {key.KeySize} bits, expected {MinKeySize} or more");
            var now = time.GetUtcNow();
            var claims = new JsonObject { ["iat"] = (now - backdated).ToUnixTimeSeconds(), ["exp"] = (now + lifetime)
                .ToUnixTimeSeconds(), ["iss"] = options.Id };
            var header = Base64Url.EncodeToString("""{"alg":"RS256","typ":"JWT"}"""u8);
            var input = $"{header}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
            var signature = key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            return new Secret($"{input}.{Base64Url.EncodeToString(signature)}");
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return Unusable("holds no RSA private key in PEM without a passphrase (`-----BEGIN RSA PRIVATE KEY-----` or `-----BEGIN PRIVATE KEY-----`)");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unusable($"can't be read: {e.Message}");
        }

        Failure Unusable(string why) => new(ErrorId.CredentialUnavailable, $"private key file `{options.PrivateKeyFile}` {why}");
    }

    private ReadOnlySpan<char> ReadKey()
    {
        using var reader = new StreamReader(options.PrivateKeyFile, Encoding.UTF8);
        var buffer = new char[MaxKeyFile];
        return buffer.AsSpan(0, reader.ReadBlock(buffer));
    }
}
