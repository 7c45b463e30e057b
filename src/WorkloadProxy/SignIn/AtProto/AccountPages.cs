using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn.AtProto;

/// <summary>The pages of signing in with an account of the AT Protocol.</summary>
internal static class AccountPages
{
    public static Html Ask(OwnClient client) => Html.Of($"""
        {Pages.Header(client.BrowserUrl, Html.None)}
        <main id="main">
        <h1>Sign in with an AT Protocol account</h1>
        <section>
        <p>You are sent to your own server, which asks whether this proxy may act for the account. Only accounts that the operator has listed may sign in.</p>
        {Form(client, "handle", "Handle or DID")}
        </section>
        </main>
        """);

    /// <summary>Beside a refusal: another try.</summary>
    public static Html Form(OwnClient client, string name, string label) => Html.Of($"""
        <form method="get" action="{new Uri(client.BrowserUrl + OwnClient.LoginPath).AbsolutePath}"><p><label for="account">{label}</label></p>
        <p><input id="account" name="{name}" autocomplete="username" autocapitalize="none" spellcheck="false" required></p><button>Continue</button></form>
        """);

    public static Html Token(OwnClient client, string context, string repository, string token) => Html.Of($"""
        {Pages.Header(client.BrowserUrl, Html.None)}
        <main id="main">
        <h1>A token for Git</h1>
        <section>
        <p>It is good for one hour, for the policy repository of <code>{context}</code> and nothing else, and is shown only once.
        Git takes it as the password, with any user name:</p>
        <pre class="wrap"><code>{token}</code></pre>
        <pre class="wrap"><code>git clone {repository} policy</code></pre>
        {Pages.Link($"{client.BrowserUrl}/", "Back to your account")}
        </section>
        </main>
        """);
}
