using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>What the team's page says once, after something has changed. A session stores the name.</summary>
internal enum SignInNotice { Connected, Reconnected, OperatorsCredentialStays, OtherScopes, Disconnected, NotRevoked }

internal static class SignInNotices
{
    public static (PageTone Tone, string Text) Words(this SignInNotice notice) => notice switch
    {
        SignInNotice.Connected => (PageTone.Good, "Your team is connected."),
        SignInNotice.Reconnected => (PageTone.Good, "Your team is connected with a new credential. The old one is revoked."),
        SignInNotice.OperatorsCredentialStays => (PageTone.Warn, "You are signed in. The operator has configured your team's credential, so the access that you have just granted has been revoked."),
        SignInNotice.OtherScopes => (PageTone.Warn, "You are signed in. The access that you have just granted has other scopes than your team's credential, so it has been revoked. To change the scopes, disconnect first."),
        SignInNotice.Disconnected => (PageTone.Good, "Your team is disconnected. Its credential is revoked and deleted."),
        _ => (PageTone.Warn, "Your team's credential is deleted here, but could not be revoked at DigitalOcean. Remove the application there, under API → OAuth."),
    };
}
