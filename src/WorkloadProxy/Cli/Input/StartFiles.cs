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

    public static IEnumerable<ConfigurationMistake> Advice(ProxyOptions options)
    {
        var files = new List<(string Key, string? File, Func<string, string?> Check)>();
        foreach (var (index, issuer) in options.Issuers.Index()) files.Add(($"Issuers:{index}:JwksFile", issuer.JwksFile, CheckKeys));
        foreach (var (index, policy) in options.Policies.Index())
        {
            files.Add(($"Policies:{index}:Git:WebhookSecretFile", policy.Git?.WebhookSecretFile, CheckSecret));
            files.Add(($"Policies:{index}:Git:TokenFile", policy.Git?.TokenFile, CheckSecret));
        }
        foreach (var (index, credential) in options.Credentials.Index()) files.Add(($"Credentials:{index}:File", credential.File, CheckSecret));
        foreach (var (key, file, check) in files)
        {
            if (file is not null && Problem(file, check) is { } problem) yield return new(key, $"file `{ConfigurationText.Show(file)}` {problem}", null, null);
        }
    }

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
