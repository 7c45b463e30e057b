namespace Sandbox.TryOut;

/// <summary>A policy set to try, unchanged, against the sandbox.</summary>
internal sealed record TryOutOptions
{
    /// <summary>The directory with <c>roles/</c> and <c>policies/</c>; without it the sandbox runs alone.</summary>
    public string? Policy { get; init; }

    /// <summary>The auth context that the set is for.</summary>
    public string? Context { get; init; }

    /// <summary>A JSON object, or a file with one: put over the usual claims of every token.</summary>
    public string? Claims { get; init; }

    public int ProxyPort { get; init; }
}
