using WorkloadProxy.Configuration;
using WorkloadProxy.Requests;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.Credentials;

/// <summary>
/// Kinds <c>Bearer</c>, <c>Header</c>, <c>Basic</c> and <c>Query</c>: one secret from a file, which is read again when it changes, or from an environment
/// variable.
/// </summary>
internal sealed class SecretCredential(CredentialOptions options, ILogger logger) : IContextCredential
{
    private const int MaxLength = 16 * 1024;
    private Reading? last;

    public bool Judges => false;

    public ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken) =>
        Current() is { } credential ? new(credential) : new(CredentialStore.Unavailable(Volatile.Read(ref last)?.Problem));

    public ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken) =>
        default;

    /// <summary>The credential as its source stands now, or null. One look at the file a call; the rest only after a change.</summary>
    private Credential? Current()
    {
        var reading = Volatile.Read(ref last);
        var changed = options.File is null ? default : VersionOf(options.File);
        if (reading is not null && reading.Changed == changed) return reading.Credential;
        var fresh = Read(changed);
        if (fresh.Problem is { } problem && problem != reading?.Problem) logger.LogError("credential of {Context}: {Problem}", options.Context, problem);
        Volatile.Write(ref last, fresh);
        return fresh.Credential;
    }

    /// <summary>
    /// What tells one content of the file from another: the length too, for a clock of 4 ms can't tell the halves of one write apart. A link is followed to its
    /// end, whose own times never change (Kubernetes swaps a directory behind it).
    /// </summary>
    private static FileVersion VersionOf(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists) return default;
        try
        {
            if (file.Attributes.HasFlag(FileAttributes.ReparsePoint) && file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target) file = target;
            return new(file.LastWriteTimeUtc, file.Length, file.FullName);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // gone in between
            return default;
        }
    }

    private Reading Read(FileVersion changed)
    {
        string? text;
        var place = options.File is null ? $"environment variable `{options.EnvironmentVariable}`" : $"file `{options.File}`";
        try
        {
            text = options.File is null ? Environment.GetEnvironmentVariable(options.EnvironmentVariable!) : SecretFile.Read(options.File, MaxLength);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new(changed, null, $"{place} can't be read: {error.Message}");
        }
        text = text?.TrimEnd('\r', '\n');
        if (string.IsNullOrWhiteSpace(text)) return new(changed, null, $"{place} is empty or missing");
        if (text.Length > MaxLength) return new(changed, null, $"{place} holds over {MaxLength} characters");
        // a line break or another control character would end the header that carries the secret
        if (text.Any(c => c < ' ' || c > '~')) return new(changed, null, $"{place} holds a character that can't be in a header");
        return new(changed, Credential.Create(options, text), null);
    }

    private readonly record struct FileVersion(DateTime Changed, long Length, string? Path);

    private sealed record Reading(FileVersion Changed, Credential? Credential, string? Problem);
}
