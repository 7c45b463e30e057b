namespace Sandbox.AtProto.OAuth;

/// <summary>OAuth's error and its description.</summary>
internal sealed record OAuthFailure(string Error, string Description);
