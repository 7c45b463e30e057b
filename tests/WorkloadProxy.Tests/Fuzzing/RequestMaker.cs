using System.Text;

namespace WorkloadProxy.Tests.Fuzzing;

/// <summary>Makes requests: half of them are plain, the others hold what one reader takes for something else than another.</summary>
internal sealed class RequestMaker(Random random)
{
    private static readonly string[] methods = ["GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    private static readonly string[] plainTails = ["", "/a", "/A.b", "/a%20b", "/%c3%a9", ";v=1", "/~!$&'()*,:=@", "+%2B", "/..a"];

    private static readonly string[] oddTails =
    [
        "/%2e%2e/x", "/../x", "/./x", "/..;/x", "/.%2e", "%2Fx", "%5c", "\\x", "//x", "%zz", "%", "%00", "%2541", "%252e", "\u00e9", "\u00c3\u00a9",
        "\u00e2\u0080\u00ae", "\u0001", "\u007f", "\u0080",
        "\"<>", "{}|^`", "#f", " x", "/secret/x", "%73ecret/", "%e9", "%c0%af", "\u00ffAAAA", "/v1/oidc/issue", "/_rbac/a/b",
    ];

    private static readonly string[] queries = ["?a=1", "?a=%20&b=", "?next=https%3A%2F%2Fa", "?", "?a=\u00e9", "?%zz", "?a=%00", "?a\\b", "?a#b",
        "?access_token=x", "??"];

    private static readonly string[] names =
    [
        "Accept", "User-Agent", "If-None-Match", "Range", "X-A", "X-Long", "Content-Language", "Content-MD5", "Expires", "Content-Type", "Idempotency-Key",
        "Accept-Encoding", "Origin",
        "Cookie", "X-Forwarded-For", "Forwarded", "X-HTTP-Method-Override", "X_Under", "Keep-Alive", "TE", "Upgrade", "Impersonate-User", "Via",
        "Proxy-Authorization", "X-Original-URL",
        "Trailer", "Proxy-Connection", "DPoP", "Connection",
    ];

    private static readonly string[] connectionOptions = ["X-A", "Content-Type", "Content-Length", "Authorization", "X-Marker", "keep-alive"];

    public MadeRequest Make(FuzzCaller caller)
    {
        var marker = $"zz{random.NextInt64():x16}zz";
        var method = Pick(methods);
        var inspected = caller.Token is not null && random.Next(5) == 0;
        var fields = new List<(string, string)> { ("X-Marker", marker) };
        for (var i = random.Next(5); i > 0; i--) fields.Add(MakeField(marker));
        byte[]? body = null;
        if (inspected)
        {
            method = "POST";
            fields.RemoveAll(field => field.Item1 is "Content-Type");
            fields.Add(("Content-Type", "application/json"));
            body = Encoding.ASCII.GetBytes($$"""{"name":"{{Pick("a", "a", "b")}}","note":"{{marker}}{{new string(' ', Length())}}"}""");
        }
        else if (random.Next(method is "GET" or "HEAD" ? 12 : 2) == 0)
        {
            // half a request, for whoever loses count of the bytes; it would be refused on its own, as it names nobody
            body = Encoding.ASCII.GetBytes($"{marker}\r\n\r\nGET /v2/ok/stowaway HTTP/1.1\r\nHost: a\r\nX-Marker: {marker}\r\n\r\n{new string('b', Length())}");
        }
        return new MadeRequest(marker, caller, method, MakeTarget(marker, caller, inspected), fields, body);
    }

    private string MakeTarget(string marker, FuzzCaller caller, bool inspected)
    {
        var target = new StringBuilder(inspected ? "/v2/in/" : caller.Token is null
            ? Pick("/", "/v2/ok/", "/any/") : Pick("/v2/ok/", "/v2/ok/", "/v2/ok/secret/", "/v2/else/")).Append(marker);
        var odd = random.Next(2) == 0;
        for (var i = random.Next(4); i > 0; i--) target.Append(odd && random.Next(2) == 0 ? Pick(oddTails) : Pick(plainTails));
        if (random.Next(20) == 0) target.Append('/').Append('A', random.Next(9000));
        if (random.Next(3) == 0) target.Append(Pick(queries));
        if (odd && random.Next(20) == 0) target.Insert(0, Pick("http://proxy.test", "http://proxy.test:80", "/", "x"));
        return target.ToString();
    }

    private (string, string) MakeField(string marker)
    {
        var name = Pick(names);
        var value = name switch
        {
            "Connection" => Pick(connectionOptions),
            "Content-Type" => Pick("text/plain", "application/octet-stream", "application/grpc", "application/json"),
            "TE" => "trailers",
            "Upgrade" => Pick("h2c", "websocket", "SPDY/3"),
            _ => marker + MakeValue(),
        };
        return (random.Next(3) == 0 ? name.ToUpperInvariant() : name, value);
    }

    private string MakeValue()
    {
        var text = new char[random.Next(10) == 0 ? random.Next(600) : random.Next(20)];
        var latin = random.Next(4) == 0;
        for (var i = 0; i < text.Length; i++) text[i] = (char)(latin ? random.Next(0xa1, 0x100) : random.Next('!', '\u007f'));
        // ends of its own, so that no white space is trimmed
        return $"({new string(text)})";
    }

    private int Length() => random.Next(8) == 0 ? random.Next(20_000) : random.Next(40);

    private string Pick(params string[] of) => of[random.Next(of.Length)];
}
