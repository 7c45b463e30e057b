namespace WorkloadProxy.Web;

/// <summary>The pages that anyone may see: the landing page, and one for what went wrong.</summary>
internal static class Pages
{
    public static Html Landing(string publicUrl, IReadOnlyList<SignInChoice> choices) => Html.Of($$"""
        {{Header(publicUrl, Html.None)}}
        <main id="main">
        <h1>Workloads without long-lived secrets</h1>
        <p class="lead">CI jobs, VMs and agents present a short-lived identity token instead of an API key. This proxy checks it against your team's roles,
        forwards only the requests that your policies permit, and adds the real credential on the way.</p>
        {{SignIn(choices)}}
        <section aria-labelledby="use">
        <h2 id="use">For workloads</h2>
        <p>Exchange an identity token for a scoped token that lives for minutes, then call the API with it:</p>
        <pre class="wrap"><code>TOKEN=$(curl -sS --fail-with-body -H "Authorization: Bearer ${ID_TOKEN}" \
          -d '{"aud": "api://DigitalOcean?actx=TEAM", "sub": "actx:TEAM:role:NAME", "ttl": 300}' \
          {{publicUrl}}/v1/oidc/issue | jq -r .token)
        curl -sS --fail-with-body -H "Authorization: Bearer ${TOKEN}" {{publicUrl}}/v2/databases</code></pre>
        <ul>
        <li><a href="{{publicUrl}}/.well-known/openid-configuration">OpenID configuration</a> of this issuer</li>
        <li><a href="{{publicUrl}}/health/ready">Readiness</a></li>
        </ul>
        </section>
        </main>
        """);

    /// <summary>What went wrong, and what to do about it.</summary>
    public static Html Message(string publicUrl, string title, string text, Html help) => Html.Of($"""
        {Header(publicUrl, Html.None)}
        <main id="main">
        <h1>{title}</h1>
        <section>
        <p>{text}</p>
        {help}
        </section>
        </main>
        """);

    public static Html Header(string publicUrl, Html who) => Html.Of($"""<header><a class="brand" href="{publicUrl}/">WorkloadProxy</a>{who}</header>""");

    public static Html Notice(PageTone tone, string? text) =>
        text is null ? Html.None : Html.Of($"""<div class="notice {Class(tone)}" role="status"><p>{text}</p></div>""");

    public static Html State(PageState state) => Html.Of($"""<span class="state {Class(state.Tone)}">{state.Word}</span>""");

    public static Html Link(string address, string text) => Html.Of($"""<p><a class="button" href="{address}">{text}</a></p>""");

    private static Html SignIn(IReadOnlyList<SignInChoice> choices) => choices.Count == 0 ? Html.None : Html.Of($"""
        <section aria-labelledby="sign-in">
        <h2 id="sign-in">For teams</h2>
        <p>Sign in to connect your team. You get a Git repository for its roles and policies; the proxy gets a credential, which it keeps encrypted
        and renews on its own. You can disconnect at any time.</p>
        {Html.Join(choices.Select(choice => Link(choice.LoginUrl, $"Sign in with {choice.Name}")))}
        </section>
        """);

    private static string Class(PageTone tone) => tone switch { PageTone.Good => "good", PageTone.Warn => "warn", _ => "bad" };
}
