using System.Diagnostics.CodeAnalysis;

namespace WorkloadProxy.Policies;

/// <summary>A body that was read whole and found to be unambiguous JSON or a form (SPEC §6), or absent.</summary>
public sealed class RequestBody
{
    /// <summary>How an inspection ended.</summary>
    public enum Problem
    {
        /// <summary>It is fine.</summary>
        None,
        /// <summary>400.</summary>
        Malformed,
        /// <summary>415.</summary>
        UnsupportedMediaType,
    }

    /// <summary>
    /// Inspects <paramref name="bytes"/> under the request's <c>Content-Type</c> values and <c>Content-Encoding</c>; an empty body is an empty object whatever its type.
    /// False with the kind of problem and a text for the caller.
    /// </summary>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, IReadOnlyList<string> contentTypes, string? contentEncoding, [NotNullWhen(true)] out RequestBody? body, out Problem problem, out string? error) => throw new NotImplementedException();

    /// <summary>Inspects JSON whatever the content type says, as <c>/v1/oidc/issue</c> takes it.</summary>
    public static bool TryParseJson(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out RequestBody? body, out string? error) => throw new NotImplementedException();

    /// <summary>The JSON object or value, for the exchange; undefined for a form.</summary>
    public System.Text.Json.JsonElement Json { get; init; }
}
