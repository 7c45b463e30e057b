using Microsoft.IdentityModel.Tokens;

namespace WorkloadProxy.Issuing;

/// <summary>The proxy's own signing keys: sealed in the store, published before use, rotated with overlap.</summary>
internal sealed class SigningKeys
{
    /// <summary>The public keys that verify tokens of ours now, each with its <c>kid</c> and algorithm. A new array instance whenever the keys change.</summary>
    public IReadOnlyList<JsonWebKey> PublicKeys => throw new NotImplementedException();
}
