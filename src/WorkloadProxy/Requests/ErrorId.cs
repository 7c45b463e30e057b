namespace WorkloadProxy.Requests;

/// <summary>The closed list of error ids; on the wire they are snake_case.</summary>
internal enum ErrorId
{
    BadRequest,
    InvalidToken,
    Forbidden,
    MethodNotAllowed,
    PayloadTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    TooManyRequests,
    CredentialUnavailable,
    UpstreamUnreachable,
    UpstreamTimeout,
    StoreUnavailable,
    PolicyUnavailable,
    AuditUnavailable,
    NotFound,
    Unprocessable,
}
