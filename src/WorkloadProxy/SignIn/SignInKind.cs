using WorkloadProxy.Policies;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>A way to sign in, as the pages need to know it.</summary>
internal sealed record SignInKind(SignInChoice Choice, string DisconnectPath, string TokenCommand, Func<AuthContext, bool> Admits);
