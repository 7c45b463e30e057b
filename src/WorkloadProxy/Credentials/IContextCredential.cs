using WorkloadProxy.Requests;

namespace WorkloadProxy.Credentials;

/// <summary>
/// One context's credential. There is one object for each context, and one class for each kind; <see cref="CredentialStore"/> picks the class.
/// </summary>
internal interface IContextCredential
{
    /// <summary>
    /// Whether <see cref="JudgeAsync"/> wants to see each answer. Such a request's body is held up to 1 MiB so that it can be sent again; a kind that never
    /// looks costs nothing.
    /// </summary>
    bool Judges { get; }

    /// <summary>
    /// The credential for one request, asked for before each attempt's first byte is sent. A kind that has it at hand answers at once and allocates nothing. A
    /// failure (<see cref="ErrorId.CredentialUnavailable"/>, or what the kind finds more exact) is the caller's answer, and nothing is sent.
    /// </summary>
    ValueTask<Result<Credential>> GetAsync(CredentialUse use, CancellationToken cancellationToken);

    /// <summary>
    /// Looks at the head of an answer to a request that carried <paramref name="used"/>. The default verdict passes it on; see <see cref="CredentialVerdict"/>
    /// for the others. The body may be read only where its <c>Content-Length</c> is small, by <c>LoadIntoBufferAsync</c>, so that it can still be passed on.
    /// </summary>
    ValueTask<CredentialVerdict> JudgeAsync(CredentialUse use, Credential used, HttpResponseMessage answer, CancellationToken cancellationToken);
}
