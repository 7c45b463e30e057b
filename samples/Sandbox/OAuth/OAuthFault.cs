namespace Sandbox.OAuth;

/// <summary>What the next request to the token endpoint meets, in place of an honest answer.</summary>
public enum OAuthFault
{
    /// <summary>No answer until the caller gives up, and nothing is spent.</summary>
    Slow,
    /// <summary>The code or the refresh token is spent, and then there is no answer until the caller gives up.</summary>
    HeldAnswer,
    /// <summary>500, and nothing is spent.</summary>
    ServerError,
    /// <summary>200 with a page in HTML, and nothing is spent.</summary>
    NotJson,
    /// <summary>The code or the refresh token is spent, and the connection breaks before the answer.</summary>
    LostAnswer,
    /// <summary>A token of type <c>mac</c>.</summary>
    OtherTokenType,
    /// <summary>An answer without <c>token_type</c>.</summary>
    NoTokenType,
    /// <summary>An answer without <c>refresh_token</c>: the one that was presented stays good.</summary>
    NoRefreshToken,
    /// <summary>An answer without <c>info</c>.</summary>
    NoInfo,
}
