using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using WorkloadProxy.Configuration;
using WorkloadProxy.Issuing;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;
using WorkloadProxy.Stages;
using WorkloadProxy.Upstreams.AtProto.Client;
using WorkloadProxy.Upstreams.AtProto.Dpop;
using WorkloadProxy.Upstreams.AtProto.Identity;
using WorkloadProxy.Web;

namespace WorkloadProxy.SignIn.AtProto;

/// <summary>The start of a sign-in: finds the account's authorization server, announces the request there (RFC 9126) and sends the browser on.</summary>
internal sealed class AtProtoLogin(UpstreamOptions upstream, AtProtoSignInParts parts, SignInPages pages, FailureLimit starts)
{
    private static readonly Failure malformed = new(ErrorId.BadRequest,
        "expected `did`, with a DID such as `did:plc:ewvi7nxzyoun6zhxrhs64oiz`, or `handle`, with a handle such as `alice.example.com`");

    public async Task<Failure?> HandleAsync(HttpContext http, RequestRecord record)
    {
        record.Upstream = upstream.Name;
        if (IsUnderAnotherName(http))
            return SignInPages.Redirect(http, record, parts.Client.BrowserUrl + OwnClient.LoginPath + SignInQuery.RawOf(http),
                "sign-in goes to the address that it ends at");
        if (!SignInQuery.TryRead(http, out var query)) return await RefuseAsync(http, record, malformed);
        if (query?["did"] is null && query?["handle"] is null)
        {
            record.Permit("public");
            Page.Answer(http, record, "Sign in · WorkloadProxy", AccountPages.Ask(parts.Client), formsLeave: true);
            return null;
        }
        if (!(await FindAccountAsync(http, record, query!)).Succeeded(out var found, out var failure)) return await RefuseAsync(http, record, failure);
        record.NamedContext = new AuthContext(upstream.Name, found.Did.Text).ToString();
        if (!upstream.Admits(found.Did.Text)) return await RefuseAccountAsync(http, record, found.Did);
        return (await BeginAsync(http, found)).Succeeded(out var address, out failure)
            ? SignInPages.Redirect(http, record, address, "sign-in started") : await RefuseAsync(http, record, failure);
    }

    /// <summary>The account that is meant, before anything of its own is fetched: whether it may sign in is asked in between.</summary>
    private async Task<Result<Account>> FindAccountAsync(HttpContext http, RequestRecord record, OAuthForm query)
    {
        var (did, handle) = (query["did"], query["handle"]?.Trim());
        if (did is not null && handle is not null) return malformed;
        // the page has one field for both
        if (handle?.StartsWith("did:", StringComparison.Ordinal) == true) (did, handle) = (handle, null);
        // people write a handle as they mention it
        var typed = did ?? (handle!.StartsWith('@') ? handle[1..] : handle);
        if (did is not null)
            return !Did.TryParse(did, out var given) ? malformed : await CountAsync(http, record) is { } tooMany ? tooMany : new Account(given, null, typed);
        if (!Handle.TryParse(typed, out var name)) return malformed;
        if (await CountAsync(http, record) is { } wait) return wait;
        return (await parts.Resolver.ResolveAsync(name, http.RequestAborted)).Succeeded(out var found, out var failure)
            ? new Account(found, name, typed) : failure;
    }

    /// <summary>Ten a minute for each address: a start has this server ask others, whom whoever starts has named.</summary>
    private async Task<Failure?> CountAsync(HttpContext http, RequestRecord record)
    {
        var attempt = await starts.BeginAsync(record.Client, http.RequestAborted);
        if (attempt.Wait is { } wait) return new Failure(ErrorId.TooManyRequests, "too many sign-ins were started from this address") { RetryAfter = wait };
        attempt.End(failed: true);
        return null;
    }

    private async Task<Result<string>> BeginAsync(HttpContext http, Account account)
    {
        var cancelled = http.RequestAborted;
        if (!(await parts.Resolver.DocumentAsync(account.Did, cancelled)).Succeeded(out var document, out var failure)) return failure;
        // a handle leads to whatever DID its owner likes: the DID has the last word on its name
        if (account.Handle is { } handle && document.Handle != handle.Text)
            return new Failure(ErrorId.Unprocessable, $"`{handle}` leads to `{account.Did}`, which does not call itself so: sign in with the DID");
        if (!(await parts.Resolver.IssuerAsync(document.Pds, cancelled)).Succeeded(out var issuer, out failure)) return failure;
        if (!(await parts.AuthorizationServers.FetchAsync(issuer, cancelled)).Succeeded(out var server, out failure)) return failure;
        parts.Servers.Learn(new AtProtoServer(account.Did, document.Pds, issuer));

        var (state, browser, verifier) = (SecretText.New(), SecretText.New(), SecretText.New());
        var (key, clientKey) = (DpopKey.Create(), parts.Keys?.Current());
        List<KeyValuePair<string, string>> parameters =
        [
            new("response_type", "code"), new("redirect_uri", parts.Client.RedirectUri), new("scope", parts.Client.Scope), new("state", state),
            new("code_challenge", Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)))), new("code_challenge_method", "S256"),
        ];
        // servers take a DID with a port for malformed, and the hint is for people's convenience
        if (!account.Typed.Contains('%')) parameters.Add(new("login_hint", account.Typed));
        if (!(await parts.AuthorizationClient.PushAsync(server, clientKey, key, parameters, cancelled)).Succeeded(out var request, out failure)) return failure;
        await parts.Pending.AddAsync(state, new PendingSignIn(SecretText.Hash(browser), account.Did.Text, issuer, verifier, clientKey?.Id, key.Export(),
            account.Handle?.Text ?? account.Did.Text), cancelled);
        Cookie.AtProto.Set(http, browser);
        return $"{server.Authorize.AbsoluteUri}{(server.Authorize.Query.Length > 0 ? '&' : '?')}client_id={Uri.EscapeDataString(parts.Client.Id)}"
            + $"&request_uri={Uri.EscapeDataString(request)}";
    }

    /// <summary>The development client ends at 127.0.0.1, and cookies of the start must be there.</summary>
    private bool IsUnderAnotherName(HttpContext http) =>
        !parts.Client.IsConfidential && http.Request.Host.HasValue && http.Request.Host.Value != new Uri(parts.Client.BrowserUrl).Authority;

    private Task<Failure?> RefuseAsync(HttpContext http, RequestRecord record, Failure failure) =>
        pages.RefuseAsync(http, record, "Signing in failed", failure, AccountPages.Form(parts.Client, "handle", "Handle or DID"), formsLeave: true);

    private Task<Failure?> RefuseAccountAsync(HttpContext http, RequestRecord record, Did did)
    {
        var setting = $"Upstreams:{upstream.Name}:OAuth:Accounts";
        var refused = new Failure(ErrorId.Forbidden, $"account `{did}` is not listed in `{setting}`");
        return pages.RefuseAsync(http, record, "This account may not sign in here", refused, Html.Of($$"""
            <p>To let it in, the operator of this proxy adds its DID to <code>{{setting}}</code>:</p>
            <pre class="wrap"><code>"Accounts": ["{{did.Text}}"]</code></pre>
            """));
    }

    private sealed record Account(Did Did, Handle? Handle, string Typed);
}
