using System.Buffers;

namespace WorkloadProxy.Upstreams.AtProto;

/// <summary>
/// The paths of an account's server that requests may go to: <c>/xrpc/METHOD</c> and no other, for the pages where its owner signs in and consents live on the
/// same origin.
/// </summary>
internal static class XrpcPath
{
    private const string Prefix = "/xrpc/";
    private static readonly SearchValues<char> inNames = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-");

    public static bool Is(string path) =>
        path.Length > Prefix.Length && path.StartsWith(Prefix, StringComparison.Ordinal) && !path.AsSpan(Prefix.Length).ContainsAnyExcept(inNames)
        && path.AsSpan(Prefix.Length).ContainsAnyExcept('.');
}
