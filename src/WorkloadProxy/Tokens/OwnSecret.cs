namespace WorkloadProxy.Tokens;

/// <summary>
/// How the secrets begin that this proxy gives out and that are no JWTs. Each is taken at its own endpoint: anywhere else a user's API token is expected,
/// which goes on to the upstream.
/// </summary>
internal static class OwnSecret
{
    /// <summary>A VM's refresh token.</summary>
    public const string Refresh = "wpr_";
    /// <summary>A token for one policy repository.</summary>
    public const string Git = "wpg_";

    public static bool Is(ReadOnlySpan<char> text) => text.StartsWith(Refresh) || text.StartsWith(Git);
}
