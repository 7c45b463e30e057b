namespace WorkloadProxy.Web;

/// <summary>
/// A way to sign in that a page offers. <paramref name="LoginUrl"/> is absolute: the cookie must be set on the host that the browser is sent back to.
/// </summary>
internal sealed record SignInChoice(string Name, string LoginUrl);
