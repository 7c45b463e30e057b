namespace WorkloadProxy.Configuration;

/// <summary>
/// An upstream of kind <c>atproto</c>: each account's server is found through its DID. The directory, the resolver of handles (null: each handle's own host)
/// and the origins in <paramref name="Servers"/> are the operator's word; every other server must be https on a public address.
/// </summary>
internal sealed record AtProtoOptions(Uri PlcDirectory, Uri? HandleResolver, IReadOnlyList<string> Servers)
{
    /// <summary>Null: nobody signs in.</summary>
    public AtProtoOAuthOptions? OAuth { get; init; }
}

/// <summary>Which accounts may sign in (DIDs, or <c>*</c> for all; empty is none), and what is asked for.</summary>
internal sealed record AtProtoOAuthOptions(IReadOnlyList<string> Accounts, IReadOnlyList<string> Scopes)
{
    /// <summary>To write records and blobs of the account, and nothing else.</summary>
    public static IReadOnlyList<string> DefaultScopes { get; } = ["atproto", "repo:*", "blob:*/*"];

    public bool Admits(string did) => Accounts.Contains(did, StringComparer.Ordinal) || Accounts.Contains("*", StringComparer.Ordinal);
}
