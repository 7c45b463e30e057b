namespace Sandbox.AtProto;

/// <summary>What the next request to a path meets in place of an honest answer.</summary>
public enum AtProtoFault
{
    /// <summary>No answer until the caller gives up, and nothing is done.</summary>
    Slow,
    /// <summary>500 with a page in HTML, and nothing is done.</summary>
    ServerError,
    /// <summary>503, and nothing is done.</summary>
    Unavailable,
    /// <summary>429 with <c>Retry-After</c>, and nothing is done.</summary>
    TooManyRequests,
    /// <summary>200 with a page in HTML, and nothing is done.</summary>
    NotJson,
    /// <summary>A redirect elsewhere.</summary>
    Redirect,
    /// <summary>The answer of OAuth that the token is no good, although nothing is wrong with it.</summary>
    InvalidGrant,
    /// <summary>The answer of OAuth that it does not know the client, for the moment.</summary>
    InvalidClientMetadata,
    /// <summary>Every nonce that was given is out of date.</summary>
    StaleNonce,
    /// <summary>What was asked is done, and then there is no answer until the caller gives up.</summary>
    HeldAnswer,
    /// <summary>What was asked is done, and the connection breaks before the answer.</summary>
    LostAnswer,
}
