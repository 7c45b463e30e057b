using WorkloadProxy.Policies;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>
/// A way to sign in, as the pages need to know it: what it is that signs in (a team, an account), and how its credential is doing (null: there is none).
/// </summary>
internal sealed record SignInKind(SignInChoice Choice, string DisconnectPath, Func<AuthContext, bool> Admits, Func<AuthContext, CredentialView?> Credential)
{
    public string Subject { get; init; } = "team";
    /// <summary>A command that prints a token of the person's own, which git presents as its password.</summary>
    public string? TokenCommand { get; init; }
    /// <summary>In its place: where a form gets one.</summary>
    public string? GitTokenPath { get; init; }
}
