using WorkloadProxy.Credentials;
using WorkloadProxy.Forwarding;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Web;

/// <summary>What somebody who is signed in sees. Nothing here knows where they signed in.</summary>
internal sealed record HomePage
{
    public required string PublicUrl { get; init; }
    public required string Account { get; init; }
    public required string Context { get; init; }
    public required string AntiForgery { get; init; }
    public required string SignOutPath { get; init; }
    public string? Notice { get; init; }
    public PageTone NoticeTone { get; init; }

    /// <summary>The credential: how it stands, its facts, and the ways to connect (when there is none) or disconnect.</summary>
    public required PageState Credential { get; init; }
    public IReadOnlyList<(string Name, string Value)> CredentialFacts { get; init; } = [];
    public SignInChoice? Connect { get; init; }
    public string? DisconnectPath { get; init; }

    /// <summary>The policy: how it stands, its facts, and what was wrong with the newest state.</summary>
    public required PageState Policy { get; init; }
    public IReadOnlyList<(string Name, string Value)> PolicyFacts { get; init; } = [];
    public string? PolicyError { get; init; }

    /// <summary>Null where the policy comes from elsewhere.</summary>
    public string? CloneUrl { get; init; }
    /// <summary>Prints a token of the person's own that git shows as its password.</summary>
    public string TokenCommand { get; init; } = "";

    public Html ToHtml() => Html.Of($"""
        {Pages.Header(PublicUrl, Html.Of($"<div class=\"who\"><span>{Account}</span>{Form(SignOutPath, "quiet", "Sign out")}</div>"))}
        <main id="main">
        {Pages.Notice(NoticeTone, Notice)}
        <h1>Your team</h1>
        <p class="lead"><code>{Context}</code></p>
        <div class="cards">
        <section aria-labelledby="credential">
        <h2 id="credential">Credential {Pages.State(Credential)}</h2>
        {Facts(CredentialFacts)}
        {(Connect is null ? Html.None : Pages.Link(Connect.LoginUrl, $"Connect with {Connect.Name}"))}
        {Disconnect()}
        </section>
        <section aria-labelledby="policy">
        <h2 id="policy">Policy {Pages.State(Policy)}</h2>
        {Facts(PolicyFacts)}
        {(PolicyError is null ? Html.None : Html.Of($"<pre tabindex=\"0\"><code>{PolicyError}</code></pre>"))}
        </section>
        </div>
        {Repository()}
        </main>
        """);

    private Html Repository() => CloneUrl is null ? Html.None : Html.Of($$"""
        <section aria-labelledby="clone">
        <h2 id="clone">Your policy repository</h2>
        <p>Let git show a token of yours, once, and clone it:</p>
        <pre tabindex="0"><code>git config --global credential.{{PublicUrl}}.helper \
          '!f() { test "$1" = get && echo username=token && echo "password=$({{TokenCommand}})"; }; f'
        git clone {{CloneUrl}} policy</code></pre>
        <p>Or push a repository that you have: its <code>main</code> is accepted at the first push.</p>
        <pre tabindex="0"><code>git remote add deploy {{CloneUrl}}
        git push -u deploy main</code></pre>
        </section>
        <section aria-labelledby="next">
        <h2 id="next">Next steps</h2>
        <ol>
        <li>Write a role in <code>roles/</code>: which workloads it is for. Pin the repository and the branch of a CI job.</li>
        <li>Write its policy in <code>policies/</code>: which paths, methods and parameters it permits. Whatever is not permitted is refused.</li>
        <li>Check it with <code>workload-proxy policy check</code>, then <code>git push</code>: it is in force when the push returns, or the push says what is wrong.</li>
        <li>Let the workload ask for a token with the audience <code>{{Context}}</code>.</li>
        </ol>
        </section>
        """);

    private Html Disconnect() => DisconnectPath is null ? Html.None : Html.Of($"""
        <details>
        <summary>Disconnect</summary>
        <p>The credential is revoked and deleted here. Every workload of your team is refused until somebody signs in again; roles and policies stay.</p>
        {Form(DisconnectPath, "danger", "Disconnect this team")}
        </details>
        """);

    private Html Form(string path, string kind, string text) =>
        Html.Of($"""<form method="post" action="{path}"><input type="hidden" name="csrf" value="{AntiForgery}"><button class="{kind}">{text}</button></form>""");

    private static Html Facts(IReadOnlyList<(string Name, string Value)> facts) =>
        facts.Count == 0 ? Html.None : Html.Of($"<dl>{Html.Join(facts.Select(fact => Html.Of($"<dt>{fact.Name}</dt><dd>{fact.Value}</dd>")))}</dl>");
}
