using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn;

/// <summary>What the team's page says once, after something has changed. A session stores the name.</summary>
internal enum SignInNotice { Connected, Reconnected, OperatorsCredentialStays, OtherScopes, KeyRevoked, Disconnected, NotRevoked }

internal static class SignInNotices
{
    /// <param name="notice">The notice.</param>
    /// <param name="who">Who has signed in: a team, or an account.</param>
    /// <param name="where">Where.</param>
    public static (PageTone Tone, string Text) Words(this SignInNotice notice, string who, string where) => notice switch
    {
        SignInNotice.Connected => (PageTone.Good, $"Your {who} is connected."),
        SignInNotice.Reconnected => (PageTone.Good, $"Your {who} is connected with a new credential. The old one is revoked."),
        SignInNotice.OperatorsCredentialStays => (PageTone.Warn,
            $"You are signed in. The operator has configured your {who}'s credential, so the access that you have just granted has been revoked."),
        SignInNotice.KeyRevoked => (PageTone.Bad,
            "The proxy's own key was revoked while you signed in, so the access that you have just granted has been given up. Sign in again."),
        SignInNotice.OtherScopes => (PageTone.Warn,
            $"You are signed in. The access that you have just granted has other scopes than your {who}'s credential, so it has been revoked. To change the "
                + "scopes, disconnect first."),
        SignInNotice.Disconnected => (PageTone.Good, $"Your {who} is disconnected. Its credential is revoked and deleted."),
        _ => (PageTone.Warn,
            $"Your {who}'s credential is deleted here, but could not be revoked at {where}. Remove the application "
                + $"there{(who == "team" ? ", under API → OAuth" : "")}."),
    };
}
