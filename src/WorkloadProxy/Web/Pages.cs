namespace WorkloadProxy.Web;

/// <summary>A way to sign in, as a page offers it; <paramref name="LoginUrl"/> is absolute, so that the cookie lies where the way back leads.</summary>
internal sealed record SignInChoice(string Name, string LoginUrl);

/// <summary>How something stands: a word for it, and what kind of word that is.</summary>
internal sealed record PageState(PageTone Tone, string Word);

internal enum PageTone { Good, Warn, Bad }

/// <summary>The pages that know nobody: the landing page, and what is said when something didn't work.</summary>
internal static class Pages
{
    public static Html Landing(string publicUrl, IReadOnlyList<SignInChoice> choices, string? notice) => Html.Of($$"""
        {{Header(publicUrl, Html.None)}}
        <main id="main">
        {{Notice(PageTone.Good, notice)}}
        <h1>Workloads without long-lived secrets</h1>
        <p class="lead">A CI job, a VM or an agent shows the short-lived token that says what it is. This proxy matches it against the roles of your team, and forwards only the requests that your policies permit, with the real credential added on the way.</p>
        {{SignIn(choices)}}
        <section aria-labelledby="use">
        <h2 id="use">For a workload</h2>
        <p>Exchange an identity token for one that lives for minutes, and call the API with it:</p>
        <pre tabindex="0"><code>TOKEN=$(curl -sf -H "Authorization: Bearer ${ID_TOKEN}" \
          -d '{"aud": "api://DigitalOcean?actx=TEAM", "sub": "actx:TEAM:role:NAME", "ttl": 300}' \
          {{publicUrl}}/v1/oidc/issue | jq -r .token)
        curl -sf -H "Authorization: Bearer ${TOKEN}" {{publicUrl}}/v2/databases</code></pre>
        <ul>
        <li><a href="{{publicUrl}}/.well-known/openid-configuration">OpenID configuration</a> of this issuer</li>
        <li><a href="{{publicUrl}}/health/ready">Readiness</a></li>
        </ul>
        </section>
        </main>
        """);

    /// <summary>Something didn't work: what, and what to do.</summary>
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

    public static Html Notice(PageTone tone, string? text) => text is null ? Html.None : Html.Of($"""<div class="notice {Class(tone)}" role="status"><p>{text}</p></div>""");

    public static Html State(PageState state) => Html.Of($"""<span class="state {Class(state.Tone)}">{state.Word}</span>""");

    public static Html Link(string address, string text) => Html.Of($"""<p><a class="button" href="{address}">{text}</a></p>""");

    private static Html SignIn(IReadOnlyList<SignInChoice> choices) => choices.Count == 0 ? Html.None : Html.Of($"""
        <section aria-labelledby="sign-in">
        <h2 id="sign-in">For the people of a team</h2>
        <p>Sign in to connect your team: you get a repository for its roles and policies, and the proxy a credential that it keeps sealed and renews by itself. You can disconnect at any time.</p>
        {Html.Join(choices.Select(choice => Link(choice.LoginUrl, $"Sign in with {choice.Name}")))}
        </section>
        """);

    private static string Class(PageTone tone) => tone switch { PageTone.Good => "good", PageTone.Warn => "warn", _ => "bad" };
}
