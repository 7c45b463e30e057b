namespace Sandbox.AtProto.OAuth;

/// <summary>An authorization request as it was pushed (RFC 9126).</summary>
internal sealed record PushedRequest(string ClientId, string? ClientKey, string KeyThumbprint, string RedirectUri, string State, string Challenge,
    IReadOnlyList<string> Scopes, string? LoginHint, DateTimeOffset Expires);

/// <summary>A code on its way from the consent to the token endpoint.</summary>
internal sealed record IssuedCode(PushedRequest Request, AtProtoAccount Account, DateTimeOffset Expires);
