using WorkloadProxy.Secrets;

namespace WorkloadProxy.Credentials;

/// <summary>A header that carries a credential, or a part of one. It replaces every value of that name that the caller sent.</summary>
internal sealed record CredentialHeader(string Name, Secret Value);
