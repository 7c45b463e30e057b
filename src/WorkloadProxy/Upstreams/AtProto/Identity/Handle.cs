using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>A name for people, which leads to a DID and is nothing more: a host name in lower case.</summary>
internal sealed record Handle
{
    private Handle(string text) => Text = text;

    public string Text { get; }

    public static bool TryParse(string? text, [NotNullWhen(true)] out Handle? handle)
    {
        var lower = text is { Length: <= 253 } ? text.ToLowerInvariant() : null;
        handle = Did.IsHostName(lower) ? new Handle(lower!) : null;
        return handle is not null;
    }

    public override string ToString() => Text;
}
