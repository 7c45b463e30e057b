using WorkloadProxy.Secrets;

namespace WorkloadProxy.Credentials.OAuth;

/// <summary>A client's secret, from a file or an environment variable. A public client has neither.</summary>
internal sealed class ClientSecret(string? file, string? environmentVariable)
{
    private const int MaxLength = 4096;

    /// <summary>
    /// True with null for a public client; false, and why, for a secret that is configured and can't be read: that must not pass for a public client.
    /// </summary>
    public bool TryRead(out string? secret, out string? problem)
    {
        (secret, problem) = (null, null);
        if (file is null && environmentVariable is null) return true;
        try
        {
            secret = (file is null ? Environment.GetEnvironmentVariable(environmentVariable!) : SecretFile.Read(file, MaxLength))?.TrimEnd('\r', '\n');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            problem = error.Message;
            return false;
        }
        if (!string.IsNullOrWhiteSpace(secret) && secret.Length <= MaxLength) return true;
        problem = file is null ? $"environment variable `{environmentVariable}` is empty or too long" : $"file `{file}` is empty or too long";
        secret = null;
        return false;
    }
}
