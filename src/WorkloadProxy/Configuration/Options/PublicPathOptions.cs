using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration.Options;

/// <summary>A path that is answered without a token. Exactly one of <see cref="Document"/>, <see cref="File"/> and <see cref="Upstream"/> is set.</summary>
internal sealed record PublicPathOptions(PublicPattern Path)
{
    /// <summary>A JSON object's text.</summary>
    public byte[]? Document { get; init; }

    /// <summary>Holds the document; read again when it changes.</summary>
    public string? File { get; init; }

    /// <summary>The upstream that answers.</summary>
    public string? Upstream { get; init; }
}
