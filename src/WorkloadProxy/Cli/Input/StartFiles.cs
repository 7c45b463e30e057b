using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Secrets;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Cli.Input;

/// <summary>
/// Files that a server reads when it first needs them, and again when they change: what is of no use in them now. It starts all the same, for the right content
/// may come later. Nothing that they hold is shown.
/// </summary>
internal static class StartFiles
{
    private const int MaxSecret = 16 * 1024;

    public static IEnumerable<ConfigurationMistake> Advice(ProxyOptions options) => Named(options)
        .Select(named => (named.Key, named.File, Problem: Problem(named.File!, named.Check))).Where(found => found.Problem is not null)
        .Select(found => new ConfigurationMistake(found.Key, $"file `{ConfigurationText.Show(found.File!)}` {found.Problem}", null, null));

    private static IEnumerable<(string Key, string? File, Func<string, string?> Check)> Named(ProxyOptions options) =>
        options.Issuers.Index().Select(issuer => ($"Issuers:{issuer.Index}:JwksFile", issuer.Item.JwksFile, (Func<string, string?>)CheckKeys))
            .Concat(options.Policies.Index().SelectMany(policy => new (string, string?, Func<string, string?>)[]
            {
                ($"Policies:{policy.Index}:Git:WebhookSecretFile", policy.Item.Git?.WebhookSecretFile, CheckSecret),
                ($"Policies:{policy.Index}:Git:TokenFile", policy.Item.Git?.TokenFile, CheckSecret),
            }))
            .Concat(options.Credentials.Index().Select(credential => ($"Credentials:{credential.Index}:File", credential.Item.File,
                (Func<string, string?>)CheckSecret)))
            .Where(named => named.Item2 is not null);

    private static string? Problem(string file, Func<string, string?> check)
    {
        try
        {
            return check(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"can't be read: {error.Message}";
        }
    }

    private static string? CheckKeys(string file) => KeySet.TryParse(File.ReadAllBytes(file), out _, out var error) ? null : $"is no JWK Set: it {error}";

    private static string? CheckSecret(string file)
    {
        var secret = SecretFile.Read(file, MaxSecret);
        return string.IsNullOrWhiteSpace(secret) ? "is empty" : secret.Length > MaxSecret ? $"holds over {MaxSecret} characters"
            : secret.Any(char.IsControl) ? "holds a control character" : null;
    }
}
