using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Policies;

/// <summary>A request's target in the one form that everything decides on and forwards.</summary>
public sealed class RequestTarget
{
    /// <summary>The decoded canonical path. An encoded slash that was permitted stands as U+0000 … never occurs otherwise; see the implementation.</summary>
    public required string Path { get; init; }
    /// <summary>Path and query as they are forwarded: the path re-encoded in one canonical form, the query as received.</summary>
    public required string Forwarded { get; init; }
    /// <summary>The raw query without its <c>?</c>, empty if there is none.</summary>
    public required string RawQuery { get; init; }
    /// <summary>Whether a segment holds an encoded slash (<c>%2F</c>); only an upstream with <c>EncodedSlash: true</c> takes it.</summary>
    public bool HasEncodedSlash { get; init; }
    /// <summary>Names of the query's parameters in order, decoded; for the audit.</summary>
    public required IReadOnlyList<string> QueryNames { get; init; }

    /// <summary>Parses an origin-form target (SPEC §7); false with the reason for anything that is refused (400, or 414 when it is over 8 KiB).</summary>
    public static bool TryParse(string rawTarget, [NotNullWhen(true)] out RequestTarget? target, [NotNullWhen(false)] out string? error, out bool tooLong) => throw new NotImplementedException();
}
