using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Patterns;
using WorkloadProxy.Policies.Protobuf;
using WorkloadProxy.Policies.Roles;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Testing;

/// <summary>Reads one <c>test</c> block, going on after each error.</summary>
internal sealed class PolicyTestReader(HclBlock block, TestDefaults defaults, CompileOptions options, EvaluationContext evaluation,
    ICollection<Diagnostic> diagnostics)
{
    private static readonly ImmutableArray<string> Known = ["token", "request", "expect", "reason", "now"];
    private static readonly ImmutableArray<string> KnownOfRequest = ["method", "path", "query", "body"];

    private static readonly ImmutableArray<string> KnownOfMcp = ["server", "tool", "prompt", "resource", "method", "arguments"];

    private readonly DiagnosticBag found = [];
    private readonly Dictionary<string, (HclAttribute Attribute, HclValue? Value)> attributes = [];

    /// <summary>Null when there was any error.</summary>
    public PolicyTest? Read()
    {
        var test = ReadTest();
        foreach (var diagnostic in found) diagnostics.Add(diagnostic);
        return found.Count == 0 ? test : null;
    }

    private PolicyTest? ReadTest()
    {
        var name = NamedBlock.NameOf(block, found);
        foreach (var attribute in block.Body.Attributes)
        {
            if (!Known.Contains(attribute.Name)) found.Add(RoleDiagnostics.UnknownAttribute(attribute.Name, "test", Known, attribute.NameRange));
            else attributes[attribute.Name] = (attribute, attribute.Expression.Evaluate(evaluation, found));
        }
        foreach (var (given, standard) in defaults.Values)
        {
            attributes[given] = attributes.TryGetValue(given, out var own) ? (own.Attribute, TestDefaults.Merge(own.Value, standard.Value)) : standard;
        }
        foreach (var required in (string[])["token", "request", "expect"])
        {
            if (attributes.ContainsKey(required)) continue;
            var lookalike = NameSuggestion.Nearest(required, block.Body.Attributes.Select(attribute => attribute.Name).Except(Known));
            found.Add(RoleDiagnostics.Missing("test", name, required, lookalike, "a test has `token`, `request` and `expect`", block.Header));
        }
        var claims = ReadToken();
        var request = ReadRequest();
        var expect = Text("expect");
        if (expect is not (null or "allow" or "deny")) found.Add(TestDiagnostics.BadExpect(expect, RangeOf("expect")));
        if (expect == "allow" && attributes.ContainsKey("reason")) found.Add(TestDiagnostics.ReasonOfAllow(attributes["reason"].Attribute.NameRange));
        if (claims is null || request is not { } asked) return null;
        return new PolicyTest
        {
            Name = name,
            Range = block.Header,
            Claims = claims,
            Method = asked.Method,
            RawTarget = asked.Target,
            Body = asked.Body,
            ContentType = asked.ContentType,
            McpServer = asked.Server,
            McpKind = asked.Kind,
            McpName = asked.Name,
            ExpectsAllow = expect == "allow",
            Reason = Text("reason"),
            Now = ReadNow(),
        };
    }

    private Claims? ReadToken()
    {
        if (Value("token", HclValueKind.Object, "an object of claims") is not { } token) return null;
        var members = new Dictionary<string, HclValue>(token.Members.Select(member => KeyValuePair.Create(member.Key, WithContext(member.Value))),
            StringComparer.Ordinal);
        members.TryAdd("iss", HclValue.FromString(options.OwnIssuer));
        members.TryAdd("aud", HclValue.FromString(options.Context.ToString()));
        if (members["iss"] is { Kind: HclValueKind.String } issuer && issuer.AsString == options.OwnIssuer)
            members.TryAdd("actx_source", HclValue.FromString(options.Context.ToString()));
        if (Claims.TryParse(ValueText.Json(HclValue.FromMembers(members)), out var claims, out var error)) return claims;
        found.Add(TestDiagnostics.BadClaims(error, RangeOf("token")));
        return null;
    }

    private TestedRequest? ReadRequest()
    {
        if (Value("request", HclValueKind.Object, "an object with `method` and `path`") is not { } request) return null;
        var range = RangeOf("request");
        if (request.Members.ContainsKey("server")) return ReadMcp(request, range);
        foreach (var name in request.Members.Keys.Except(KnownOfRequest)) found.Add(RoleDiagnostics.UnknownAttribute(name, "request", KnownOfRequest, range));
        if (!request.Members.TryGetValue("path", out var path))
            found.Add(RoleDiagnostics.Missing("test", block.Labels.FirstOrDefault()?.Value ?? "", "request.path", null,
                "for instance `request = { method = \"GET\", path = \"/v2/account\" }`", range));
        else if (path.Kind != HclValueKind.String) found.Add(RoleDiagnostics.WrongType("path", path, "a string", range));
        var method = request.Members.GetValueOrDefault("method") ?? HclValue.FromString("GET");
        if (method.Kind != HclValueKind.String) found.Add(RoleDiagnostics.WrongType("method", method, "a string", range));
        if (path?.Kind != HclValueKind.String || method.Kind != HclValueKind.String) return null;
        var target = WithContext(path).AsString;
        if (request.Members.TryGetValue("query", out var query))
        {
            if (target.Contains('?')) found.Add(TestDiagnostics.TwoQueries(range));
            target = $"{target}?{Query(WithContext(query), range)}";
        }
        if (!request.Members.TryGetValue("body", out var value) || value.Kind == HclValueKind.Null) return new(method.AsString, target, []);
        if (!ProtobufText.IsMessage(value)) return new(method.AsString, target, ValueText.Json(WithContext(value)));
        if (ProtobufText.Write(WithContext(value), out var unfit) is { } message)
            return new(method.AsString, target, message) { ContentType = "application/proto" };
        found.Add(TestDiagnostics.UnfitField(unfit!, range));
        return null;
    }

    private TestedRequest? ReadMcp(HclValue request, SourceRange range)
    {
        foreach (var name in request.Members.Keys.Except(KnownOfMcp)) found.Add(RoleDiagnostics.UnknownAttribute(name, "request", KnownOfMcp, range));
        var named = McpNames.Kinds.Where(request.Members.ContainsKey).ToList();
        if (named.Count != 1)
        {
            found.Add(TestDiagnostics.McpName(named.Count, range));
            return null;
        }
        var (server, of) = (request.Members["server"], request.Members[named[0]]);
        if (server.Kind != HclValueKind.String) found.Add(RoleDiagnostics.WrongType("server", server, "a string", range));
        if (of.Kind != HclValueKind.String) found.Add(RoleDiagnostics.WrongType(named[0], of, "a string", range));
        if (server.Kind != HclValueKind.String || of.Kind != HclValueKind.String) return null;
        var arguments = request.Members.TryGetValue("arguments", out var value) && value.Kind != HclValueKind.Null ? value : null;
        if (arguments is { Kind: not HclValueKind.Object }) found.Add(RoleDiagnostics.WrongType("arguments", arguments, "an object", range));
        return new("POST", "/", arguments is null ? [] : ValueText.Json(WithContext(arguments)))
            { Server = server.AsString, Kind = McpNames.Kind(named[0])!.Value, Name = WithContext(of).AsString };
    }

    /// <summary>A string as it stands; an object's members, a list's elements each with the name again.</summary>
    private string Query(HclValue query, SourceRange range)
    {
        if (query.Kind == HclValueKind.String) return query.AsString;
        if (query.Kind != HclValueKind.Object)
        {
            found.Add(RoleDiagnostics.WrongType("query", query, "an object", range));
            return "";
        }
        var pairs = new List<string>();
        foreach (var (name, value) in query.Members) foreach (var item in value.Kind == HclValueKind.Tuple ? value.Items : [value])
        {
            var text = item.Kind switch
            {
                HclValueKind.String => item.AsString,
                HclValueKind.Number => item.AsNumber.ToString(),
                HclValueKind.Bool => item.AsBool ? "true" : "false",
                _ => null,
            };
            if (text is null) found.Add(RoleDiagnostics.WrongType($"query.{name}", item, "a string, number or bool", range));
            else pairs.Add($"{Uri.EscapeDataString(name)}={Uri.EscapeDataString(text)}");
        }
        return string.Join('&', pairs);
    }

    private DateTimeOffset? ReadNow()
    {
        if (Text("now") is not { } text) return null;
        if (Rfc3339.TryParse(text, out var time)) return time;
        found.Add(RoleDiagnostics.BadTime("now", text, RangeOf("now")));
        return null;
    }

    /// <summary>
    /// <c>{actx}</c> stands for the context's id here as in roles and policies: a test must hold in every context that the files are compiled for.
    /// </summary>
    private HclValue WithContext(HclValue value) => value.Kind switch
    {
        HclValueKind.String => HclValue.FromString(string.Concat(TextPiece.Split(value.AsString, options.Context, wildcards: false, claims: false, out _)
            .Select(piece => piece.Text))),
        HclValueKind.Tuple => HclValue.FromItems([.. value.Items.Select(WithContext)]),
        HclValueKind.Object => HclValue.FromMembers(value.Members.Select(member => KeyValuePair.Create(member.Key, WithContext(member.Value)))),
        _ => value,
    };

    private string? Text(string name) => Value(name, HclValueKind.String, "a string")?.AsString;

    private HclValue? Value(string name, HclValueKind kind, string expected)
    {
        if (!attributes.TryGetValue(name, out var entry) || entry.Value is null) return null;
        if (entry.Value.Kind == kind) return entry.Value;
        var error = RoleDiagnostics.WrongType(name, entry.Value, expected, RangeOf(name));
        if (!found.Contains(error)) found.Add(error);
        return null;
    }

    private SourceRange RangeOf(string name) => attributes[name].Attribute.Expression.Range;

    private sealed record TestedRequest(string Method, string Target, byte[] Body)
    {
        public string ContentType { get; init; } = "application/json";
        public string? Server { get; init; }
        public McpKind Kind { get; init; }
        public string Name { get; init; } = "";
    }
}
