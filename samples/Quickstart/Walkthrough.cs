using System.Buffers.Text;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quickstart;

/// <summary>The steps. Each is printed with the command that repeats it, the answer, and what the cloud saw of it.</summary>
internal sealed class Walkthrough(Stage stage, Screen screen)
{
    private const string Database = "9cc10173-e9ea-4176-9dbc-a4cee4c4ff30";
    private const string Subject = $"actx:{Stage.Team}:role:database-and-spaces-keys-access";

    /// <summary>How many requests the steps make of the proxy.</summary>
    private const int Requests = 6;

    private static readonly JsonSerializerOptions Short = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly StringBuilder commands = new("#!/usr/bin/env bash\n# every command of the quickstart, in order; needs curl and jq\n");
    private int failures;
    private int seen;

    /// <summary>Runs all steps and returns how many expectations did not hold.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var idToken = await IdentityToken(cancellation);
        var token = await Exchange(idToken, cancellation);
        await ReadDatabase(token, cancellation);
        await CreateKey(token, "111", permitted: true, cancellation);
        await CreateKey(token, "222", permitted: false, cancellation);
        await IdentityTokenAlone(idToken, cancellation);
        await AnotherRepository(cancellation);
        await Audit(cancellation);

        File.WriteAllText(stage.CommandsFile, commands.ToString());
        screen.Title("The end");
        screen.Outcome(failures == 0, failures == 0 ? "every step" : $"{failures} {(failures == 1 ? "expectation" : "expectations")} did not hold, see above");
        return failures;
    }

    private async Task<string> IdentityToken(CancellationToken cancellation)
    {
        screen.Title("1. A CI job gets its identity token, as a step of GitHub Actions would");
        Command($"""
            ACTIONS_ID_TOKEN_REQUEST_URL='{stage.TokenRequestUrl}'
            ACTIONS_ID_TOKEN_REQUEST_TOKEN='{stage.TokenRequestToken}'
            ID_TOKEN=$(curl -sf -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience={Stage.Context}" | jq -r .value)
            """);
        var (status, body) = await Send(HttpMethod.Get, $"{stage.TokenRequestUrl}&audience={Uri.EscapeDataString(Stage.Context)}", stage.TokenRequestToken,
            null, cancellation);
        var token = body?["value"]?.ToString() ?? "";
        Expect(status == 200 && token.Length > 0,
            "the token says who runs this: the repository, the branch, the workflow file; it is signed, and good for five minutes");
        screen.Labelled("its claims", Pick(Claims(token), "iss", "aud", "sub", "job_workflow_ref"));
        return token;
    }

    private async Task<string> Exchange(string idToken, CancellationToken cancellation)
    {
        screen.Title("2. It exchanges that for a scoped token (permitted by policies/ex-gha-readwrite.hcl)");
        Command($$"""
            TOKEN=$(curl -sf \
              -H "Authorization: Bearer ${ID_TOKEN}" \
              -d@<(jq -n -c \
                --arg aud "{{Stage.Context}}" \
                --arg sub "{{Subject}}" \
                --arg ttl 300 \
                '{aud: $aud, sub: $sub, ttl: ($ttl | fromjson)}') \
              "{{stage.ProxyUrl}}/v1/oidc/issue" \
              | jq -r .token)
            """);
        var (status, body) = await Send(HttpMethod.Post, $"{stage.ProxyUrl}/v1/oidc/issue", idToken,
            new JsonObject { ["aud"] = Stage.Context, ["sub"] = Subject, ["ttl"] = 300 }, cancellation);
        var token = body?["token"]?.ToString() ?? "";
        Expect(status == 200 && token.Length > 0 && body?["expires_in"]?.ToString() == "300",
            "a token of the proxy's own, with one role and five minutes; `act` tells who it was exchanged by");
        screen.Labelled("its claims", Pick(Claims(token), "iss", "aud", "sub", "act"));
        await UpstreamSawNothing(cancellation);
        return token;
    }

    private async Task ReadDatabase(string token, CancellationToken cancellation)
    {
        screen.Title("3. The scoped token reads a database's connection string");
        Command($$"""
            curl -sf -H "Authorization: Bearer ${TOKEN}" "{{stage.ProxyUrl}}/v2/databases/{{Database}}" | jq -r .database.connection.uri
            """);
        var (status, body) = await Send(HttpMethod.Get, $"{stage.ProxyUrl}/v2/databases/{Database}", token, null, cancellation);
        screen.Labelled("answer", $"{status} {body?["database"]?["connection"]?["uri"]}");
        Expect(status == 200 && body?["database"]?["id"]?.ToString() == Database, "permitted");
        await UpstreamSaw($"GET /v2/databases/{Database}", cancellation);
    }

    private async Task CreateKey(string token, string bucket, bool permitted, CancellationToken cancellation)
    {
        screen.Title(permitted
            ? "4. It creates an access key for bucket 111, as its policy says" : "5. The same call for bucket 222, which the policy does not name");
        Command($$"""
            curl -s -X POST \
              -H "Authorization: Bearer ${TOKEN}" \
              -H "Content-Type: application/json" \
              -d@<(jq -n -c '{name: "bucket-111-read-token-quickstart", grants: [{"bucket": "{{bucket}}", "permission": "read"}]}') \
              "{{stage.ProxyUrl}}/v2/spaces/keys" | jq
            """);
        var key = new JsonObject
            { ["name"] = "bucket-111-read-token-quickstart", ["grants"] = new JsonArray(new JsonObject { ["bucket"] = bucket, ["permission"] = "read" }) };
        var (status, body) = await Send(HttpMethod.Post, $"{stage.ProxyUrl}/v2/spaces/keys", token, key, cancellation);
        screen.Labelled("answer", $"{status} {body?.ToJsonString(Indented)}");
        if (permitted)
        {
            Expect(status == 201 && body?["key"]?["access_key"] is not null, "permitted: the body was checked against the policy and forwarded byte for byte");
            await UpstreamSaw("POST /v2/spaces/keys", cancellation);
        }
        else
        {
            Expect(status == 403 && body?["id"]?.ToString() == "forbidden", "refused, with the rule and the parameter that failed");
            await UpstreamSawNothing(cancellation);
        }
    }

    private async Task IdentityTokenAlone(string idToken, CancellationToken cancellation)
    {
        screen.Title("6. The identity token alone reads nothing: its role permits the exchange and no more");
        Command($$"""
            curl -s -H "Authorization: Bearer ${ID_TOKEN}" "{{stage.ProxyUrl}}/v2/databases/{{Database}}" | jq
            """);
        var (status, body) = await Send(HttpMethod.Get, $"{stage.ProxyUrl}/v2/databases/{Database}", idToken, null, cancellation);
        screen.Labelled("answer", $"{status} {body?.ToJsonString(Indented)}");
        Expect(status == 403, "refused");
        await UpstreamSawNothing(cancellation);
    }

    private async Task AnotherRepository(CancellationToken cancellation)
    {
        screen.Title("7. A job of another repository, with an honest token of the same service, gets nothing at all");
        const string claims = """{"sub":"repo:somebody/else:ref:refs/heads/main","repository":"somebody/else"}""";
        Command($$"""
            OTHER=$(curl -sf -G --data-urlencode 'claims={{claims}}' -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience={{Stage.Context}}" | jq -r .value)
            curl -s -H "Authorization: Bearer ${OTHER}" -d '{"aud": "{{Stage.Context}}", "sub": "{{Subject}}", "ttl": 300}' "{{stage.ProxyUrl}}/v1/oidc/issue" | jq
            """);
        var (_, issued) = await Send(HttpMethod.Get,
            $"{stage.TokenRequestUrl}&audience={Uri.EscapeDataString(Stage.Context)}&claims={Uri.EscapeDataString(claims)}", stage.TokenRequestToken, null,
            cancellation);
        var (status, body) = await Send(HttpMethod.Post, $"{stage.ProxyUrl}/v1/oidc/issue", issued?["value"]?.ToString() ?? "",
            new JsonObject { ["aud"] = Stage.Context, ["sub"] = Subject, ["ttl"] = 300 }, cancellation);
        screen.Labelled("answer", $"{status} {body?.ToJsonString(Indented)}");
        Expect(status == 403 && body?["token"] is null, "refused: no role matches, and more it is not told");
        await UpstreamSawNothing(cancellation);
    }

    private async Task Audit(CancellationToken cancellation)
    {
        screen.Title("8. Everything is on record, and no token, body or credential with it");
        Command($"tail -n {Requests} {stage.AuditFile} | jq -c '{{decision, status, method, path, roles, rule, reason}}'");
        string[] lines;
        // the proxy writes its lines in groups, a moment after the answer
        var clock = Stopwatch.StartNew();
        while ((lines = AuditLines()).Length < Requests && clock.Elapsed < TimeSpan.FromSeconds(5)) await Task.Delay(50, cancellation);

        var records = lines.TakeLast(Requests).Select(line => JsonNode.Parse(line)!.AsObject()).ToArray();
        foreach (var record in records) screen.Line("  " + Pick(record, Short, "decision", "status", "method", "path", "roles", "rule", "reason"));
        Expect(string.Join(' ', records.Select(r => r["decision"])) == "allow allow allow deny deny deny", "one line a request, allowed or not");
        Expect(!lines.Any(line => line.Contains(stage.TeamToken, StringComparison.Ordinal)), "and the credential in none");
    }

    /// <summary>Less those of the looks at <c>/health/ready</c> while the proxy started.</summary>
    private string[] AuditLines() =>
        File.Exists(stage.AuditFile)
        ? [.. File.ReadAllLines(stage.AuditFile).Where(line => !line.Contains("\"path\":\"/health/", StringComparison.Ordinal))] : [];

    private async Task UpstreamSaw(string expected, CancellationToken cancellation)
    {
        var requests = await Received(cancellation);
        foreach (var request in requests)
        {
            var authorization = request["headers"]?["Authorization"]?[0]?.ToString() ?? "";
            screen.Labelled("the cloud saw",
                $"{request["method"]} {request["target"]}\nAuthorization: {authorization[..Math.Min(authorization.Length, 18)]}… (the team's credential: the "
                    + "job never had it)");
        }
        Expect(requests is [var one] && $"{one["method"]} {one["target"]}" == expected
            && one["headers"]?["Authorization"]?[0]?.ToString() == $"Bearer {stage.TeamToken}",
            "one request, with the team's credential in place of the scoped token");
    }

    private async Task UpstreamSawNothing(CancellationToken cancellation)
    {
        var requests = await Received(cancellation);
        screen.Labelled("the cloud saw", requests.Length == 0 ? "nothing" : string.Join('\n', requests.Select(r => $"{r["method"]} {r["target"]}")));
        if (requests.Length > 0) Expect(false, "it should have seen nothing");
    }

    private async Task<JsonObject[]> Received(CancellationToken cancellation)
    {
        var requests = JsonNode.Parse(await http.GetStringAsync($"{stage.SandboxUrl}/_sandbox/requests?after={seen}", cancellation))!.AsArray()
            .Select(r => r!.AsObject()).ToArray();
        if (requests is [.., var last]) seen = last["number"]!.GetValue<int>();
        return requests;
    }

    private async Task<(int Status, JsonObject? Body)> Send(HttpMethod method, string url, string bearer, JsonObject? body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, url);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (body is not null) request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await http.SendAsync(request, cancellation);
        var text = await answer.Content.ReadAsStringAsync(cancellation);
        try
        {
            return ((int)answer.StatusCode, JsonNode.Parse(text) as JsonObject);
        }
        catch (JsonException)
        {
            return ((int)answer.StatusCode, new JsonObject { ["(no JSON)"] = text });
        }
    }

    private void Command(string text)
    {
        screen.Command(text);
        commands.Append('\n').Append(text).Append('\n');
    }

    private void Expect(bool holds, string text)
    {
        if (!holds) failures++;
        screen.Outcome(holds, text);
    }

    private static JsonObject Claims(string token) =>
        token.Split('.') is [_, var claims, _] && JsonNode.Parse(Base64Url.DecodeFromChars(claims)) is JsonObject decoded ? decoded : [];

    private static string Pick(JsonObject from, params string[] names) => Pick(from, Indented, names);

    private static string Pick(JsonObject from, JsonSerializerOptions style, params string[] names) =>
        new JsonObject(names.Where(from.ContainsKey).Select(name => KeyValuePair.Create(name, from[name]?.DeepClone()))).ToJsonString(style);
}
