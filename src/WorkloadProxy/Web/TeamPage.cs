namespace WorkloadProxy.Web;

/// <summary>What someone sees who is signed in. Nothing here knows where they signed in.</summary>
internal sealed record TeamPage
{
    public required string PublicUrl { get; init; }
    public required string Account { get; init; }
    public required string Context { get; init; }
    public required string AntiForgery { get; init; }
    public required string SignOutPath { get; init; }
    public string? Notice { get; init; }
    public PageTone NoticeTone { get; init; }

    /// <summary>The credential: its state, facts about it, and ways to connect or disconnect, where they apply.</summary>
    public required PageState Credential { get; init; }
    public IReadOnlyList<(string Name, string Value)> CredentialFacts { get; init; } = [];
    public SignInChoice? Connect { get; init; }
    public string? DisconnectPath { get; init; }

    /// <summary>The policy: its state, facts about it, and why the newest version was not taken.</summary>
    public required PageState Policy { get; init; }
    public IReadOnlyList<(string Name, string Value)> PolicyFacts { get; init; } = [];
    public string? PolicyError { get; init; }

    /// <summary>Null where the policy is not hosted here.</summary>
    public string? CloneUrl { get; init; }
    /// <summary>A command that prints an API token of the person's own, which git presents as its password.</summary>
    public string? TokenCommand { get; init; }
    /// <summary>In its place: where a form shows a token.</summary>
    public string? GitTokenPath { get; init; }
    /// <summary>What has signed in: a team, or an account.</summary>
    public string Subject { get; init; } = "team";

    public Html ToHtml() => Html.Of($"""
        {Pages.Header(PublicUrl, Html.Of($"<div class=\"who\"><span>{Account}</span>{Form(SignOutPath, "quiet", "Sign out")}</div>"))}
        <main id="main">
        {Pages.Notice(NoticeTone, Notice)}
        <h1>Your {Subject}</h1>
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
        {{HowToClone()}}
        <p>Or push a repository that you already have. The first push to <code>main</code> may replace what is there:</p>
        <pre class="wrap"><code>git remote add deploy {{CloneUrl}}
        git push -u deploy main</code></pre>
        {{(TokenCommand is null ? Html.None : Html.Of($"<p>The token needs write access, and every scope that the {Subject}'s credential has.</p>"))}}
        </section>
        <section aria-labelledby="next">
        <h2 id="next">Next steps</h2>
        <ol>
        <li>Add a role to <code>roles/</code>: which workloads it is for. For a CI job, pin the repository and the branch.</li>
        <li>Add its policy to <code>policies/</code>: the paths, methods and parameters that it permits. Everything else is refused.</li>
        <li>Run <code>workload-proxy policy check</code>, then <code>git push</code>. The policy is in force when the push returns;
        if something is wrong with it, the push is refused and says why.</li>
        <li>Have the workload request its identity token for the audience <code>{{Context}}</code>.</li>
        </ol>
        </section>
        """);

    private Html HowToClone() => TokenCommand is null ? Html.Of($$"""
        <p>Git asks for a user name, which can be anything, and a password, which is a token from here:</p>
        {{(GitTokenPath is null ? Html.None : Form(GitTokenPath, "quiet", "Show a token for Git"))}}
        <pre class="wrap"><code>git clone {{CloneUrl}} policy</code></pre>
        """) : Html.Of($$"""
        <p>Tell Git, once, how to get an API token of yours; then clone:</p>
        <pre class="wrap"><code>git config --global credential.{{PublicUrl}}.helper \
          '!f() { test "$1" = get && echo username=token && echo "password=$({{TokenCommand}})"; }; f'
        git clone {{CloneUrl}} policy</code></pre>
        """);

    private Html Disconnect() => DisconnectPath is null ? Html.None : Html.Of($"""
        <details>
        <summary>Disconnect…</summary>
        <p>This revokes the credential and deletes it here. Requests from your {Subject}'s workloads fail until someone signs in again.
        Roles and policies are kept.</p>
        {Form(DisconnectPath, "danger", $"Disconnect this {Subject}")}
        </details>
        """);

    private Html Form(string path, string kind, string text) =>
        Html.Of($"""
            <form method="post" action="{path}"><input type="hidden" name="csrf" value="{AntiForgery}"><button class="{kind}">{text}</button></form>
            """);

    private static Html Facts(IReadOnlyList<(string Name, string Value)> facts) =>
        facts.Count == 0 ? Html.None : Html.Of($"<dl>{Html.Join(facts.Select(fact => Html.Of($"<dt>{fact.Name}</dt><dd>{fact.Value}</dd>")))}</dl>");
}
