using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Policies;
using WorkloadProxy.Secrets;

namespace WorkloadProxy.SignIn;

/// <summary>Somebody who is signed in, for one context. <paramref name="Secret"/> is what the cookie holds.</summary>
internal sealed record Session(string Secret, AuthContext Context, string Account, string? Notice)
{
    /// <summary>What a form of this session sends along: another site can't know it, and it tells nothing of the cookie.</summary>
    public string AntiForgery { get; } = Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), "anti-forgery"u8));
}
