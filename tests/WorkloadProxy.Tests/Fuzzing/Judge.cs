using System.Text;
using System.Text.Json;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>
/// What arrived against what was sent and what was decided. It knows the rules of the one policy of the run, and takes nothing from the proxy's code.
/// </summary>
internal sealed class Judge(IReadOnlyDictionary<string, MadeRequest> sent, IReadOnlyList<FuzzCaller> callers, ILookup<string, JsonElement> audit)
{
    private static readonly string[] own = ["host", "authorization", "x-request-id", "traceparent", "tracestate", "content-length", "transfer-encoding", "te"];

    private static readonly string[] never =
    [
        "cookie", "x-forwarded-for", "forwarded", "x-http-method-override", "keep-alive", "te", "upgrade", "impersonate-user", "via", "proxy-authorization",
        "x-original-url", "trailer",
        "proxy-connection", "dpop", "connection", "expect",
    ];

    private readonly Dictionary<int, string> ofConnection = [];
    private readonly HashSet<string> arrived = new(StringComparer.Ordinal);

    /// <summary>What is wrong with one that arrived, in the order that they did.</summary>
    public IEnumerable<string> Faults(ArrivedRequest request)
    {
        var markers = MadeRequest.MarkersIn(request.Bytes);
        var known = markers.Where(sent.ContainsKey).ToList();
        if (known.Count > 1) yield return $"bytes of {known.Count} requests";
        var made = known.Count == 1 ? sent[known[0]] : null;
        if (request.Target.Contains("stowaway", StringComparison.Ordinal)) yield return "a request out of a body";

        var authorization = request.All("Authorization").ToList();
        if (authorization.Count != 1) yield return $"{authorization.Count} credentials";
        var owner = callers.SingleOrDefault(caller => caller.Secret is { } secret && authorization.Contains($"Bearer {secret}"))?.Name ?? "users";
        if (ofConnection.TryGetValue(request.Connection, out var before) && before != owner) yield return $"a connection of {before} and of {owner}";
        ofConnection[request.Connection] = owner;
        foreach (var caller in callers)
        {
            if (caller.Token is { } token && request.Bytes.Contains(token, StringComparison.Ordinal)) yield return $"the token of {caller.Name}";
            if (caller.Secret is { } secret && request.Bytes.Split(secret).Length - 1 != (owner == caller.Name ? 1 : 0))
                yield return $"the secret of {caller.Name}";
        }
        foreach (var fault in FaultsOfDecision(request, owner)) yield return fault;
        foreach (var (name, _) in request.Fields)
        {
            // HTTP/2 has it, for gRPC
            if (request.IsHttp2 && name == "te") continue;
            if (never.Contains(name, StringComparer.OrdinalIgnoreCase) || name.Contains('_')) yield return $"the header {name}";
        }
        if (made is null) yield break;
        if (!arrived.Add(made.Marker) && made.Method is not ("GET" or "HEAD" or "OPTIONS")) yield return "sent twice";
        if (made.IsPlain)
        {
            foreach (var fault in FaultsOfContent(request, made)) yield return fault;
        }
    }

    /// <summary>The audit's line says what was decided, and the policy what may be.</summary>
    private IEnumerable<string> FaultsOfDecision(ArrivedRequest request, string owner)
    {
        var lines = audit[request.Single("X-Request-Id") ?? ""].ToList();
        if (lines.Count != 1)
        {
            yield return $"{lines.Count} audit lines";
            yield break;
        }
        var path = request.Target.Split('?')[0];
        var decoded = Decode(path);
        var (decision, expected) = owner == "users" ? ("pass", path) : ("allow", decoded);
        if (lines[0].GetProperty("decision").GetString() != decision) yield return $"decided otherwise: {lines[0]}";
        if (lines[0].GetProperty("method").GetString() != request.Method) yield return $"another method than was decided: {lines[0]}";
        var told = lines[0].GetProperty("path").GetString()!;
        // of an API token that the upstream did not take, the beginning is kept
        var isTold = owner == "users" && told.Length == 256 && told[^1] == '…' ? expected.StartsWith(told[..^1], StringComparison.Ordinal) : told == expected;
        if (!isTold) yield return $"another path than was decided: {lines[0]}";
        if (owner == "users") yield break;
        if (decoded.Split('/').Any(segment => segment.Split(';')[0] is "." or "..")) yield return "a dot segment";
        var isIn = decoded.StartsWith("/v2/in/", StringComparison.Ordinal);
        if (isIn && (request.Method != "POST" || NameIn(request.Body) != "a")) yield return "not what the rule for /v2/in permits";
        if (!isIn && (!decoded.StartsWith("/v2/ok/", StringComparison.Ordinal) || decoded.StartsWith("/v2/ok/secret/", StringComparison.Ordinal)))
            yield return "not permitted by any rule";
    }

    private static IEnumerable<string> FaultsOfContent(ArrivedRequest request, MadeRequest made)
    {
        if (request.Method != made.Method) yield return $"method {made.Method} became {request.Method}";
        if (request.Single("Authorization") != made.Credential) yield return "another credential";
        if (!request.Body.AsSpan().SequenceEqual(made.Body ?? [])) yield return $"a body of {made.Body?.Length ?? 0} bytes became one of {request.Body.Length}";
        if (made.Caller.Token is null ? request.Target != made.Target : Decode(request.Target.Split('?')[0]) != Decode(made.Target.Split('?')[0]))
            yield return $"target {made.Target} became {request.Target}";
        var query = made.Target.IndexOf('?', StringComparison.Ordinal);
        if ((query < 0 ? "" : made.Target[query..]) != (request.Target.IndexOf('?', StringComparison.Ordinal) is >= 0 and var at ? request.Target[at..] : ""))
            yield return "another query";
        foreach (var name in request.Fields.Select(field => field.Name).Except(own, StringComparer.OrdinalIgnoreCase)
            .Distinct(StringComparer.OrdinalIgnoreCase))
        {
            var values = made.Fields.Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value);
            if (Squeeze(values) != Squeeze(request.All(name))) yield return $"the header {name}: {string.Join(" | ", request.All(name))}";
        }
    }

    /// <summary>Several values of one name may be joined, by a comma or a blank.</summary>
    private static string Squeeze(IEnumerable<string> values) =>
        string.Concat(values).Replace(",", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);

    private static string Decode(string path)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < path.Length; i++)
        {
            if (path[i] == '%' && i + 2 < path.Length && char.IsAsciiHexDigit(path[i + 1]) && char.IsAsciiHexDigit(path[i + 2]))
            {
                bytes.Add(Convert.FromHexString(path.AsSpan(i + 1, 2))[0]);
                i += 2;
            }
            else
            {
                bytes.Add((byte)path[i]);
            }
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }

    private static string? NameIn(byte[] body)
    {
        try
        {
            return JsonDocument.Parse(body).RootElement.GetProperty("name").GetString();
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }
}
