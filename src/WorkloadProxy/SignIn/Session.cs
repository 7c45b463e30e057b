using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Policies;

namespace WorkloadProxy.SignIn;

/// <summary>Someone who is signed in, for one context. <paramref name="Secret"/> is the value of the cookie.</summary>
internal sealed record Session(string Secret, AuthContext Context, string Account, SignInNotice? Notice)
{
    /// <summary>Every form of this session carries it: another site can't know it, and the cookie can't be derived from it.</summary>
    public string AntiForgery { get; } = Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), "anti-forgery"u8));
}
