using System.Security.Authentication;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using WorkloadProxy.Configuration;
using WorkloadProxy.Configuration.Keys;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Configuration.Sources;

namespace WorkloadProxy.Tests.Configuration;

/// <summary>The table of keys, what is read by it, and what is made of it: the JSON schema and the table in the documentation.</summary>
public sealed partial class ConfigurationKeysTests
{
    private const string Header = "| key | type | default | meaning |\n| --- | --- | --- | --- |\n";

    [Fact]
    public void Every_key_of_the_table_is_read()
    {
        var read = new HashSet<ConfigurationKey>();
        foreach (var upstream in Choices("Upstreams:*:Kind"))
        {
            foreach (var credential in Choices("Credentials:#:Kind")) read.UnionWith(ReadExamples(upstream, credential).Reader.RowsRead);
        }
        Assert.Equal([], ConfigurationKeys.Rows.Except(read).Select(row => row.Path));
    }

    [Fact]
    public void A_key_that_the_table_lacks_and_a_key_of_another_type_can_not_be_asked_for()
    {
        var (_, reader, _) = ReadExamples("http", "Bearer");
        Assert.Throws<InvalidOperationException>(() => reader.Text("Upstreams:Name:Adress"));
        Assert.Throws<InvalidOperationException>(() => reader.Has("Upstreams:Name:Adress"));
        Assert.Throws<InvalidOperationException>(() => reader.Elements("Polices"));
        Assert.Throws<InvalidOperationException>(() => reader.Text("Upstreams:Name:Address"));
        Assert.Throws<InvalidOperationException>(() => reader.Number("Git:Timeout"));
        Assert.Throws<InvalidOperationException>(() => reader.Flag("Upstreams:Name"));
    }

    [Fact]
    public void Every_example_and_every_default_is_one_that_is_accepted()
    {
        // of files and variables only the names are examples
        KeyType[] elsewhere = [KeyType.File, KeyType.SecretFile, KeyType.CertificateFile, KeyType.Directory, KeyType.Variable];
        foreach (var row in ConfigurationKeys.Rows.Where(row => !elsewhere.Contains(row.Type)))
        {
            foreach (var value in row.Default is null ? [row.Example] : (string[])[row.Example, row.Json(row.Default)])
            {
                var mistakes = new List<ConfigurationMistake>();
                var reader = Reader(Example(row, value), mistakes);
                Read(reader, row, Concrete(row.Path));
                Assert.Equal([], mistakes.Where(mistake => !mistake.Problem.StartsWith("unknown upstream", StringComparison.Ordinal))
                    .Select(mistake => mistake.ToString()));
            }
        }
    }

    [Fact]
    public void The_options_have_the_defaults_of_the_table()
    {
        var options = Configure.Options("""
            {
              "PublicUrl": "https://proxy.example.com",
              "Upstreams": { "A": { "Kind": "http", "Address": "https://a.example.com", "Mcp": { "m": { "Address": "https://m.example.com/mcp" } } }, "ATProto": {} },
              "Policies": [{ "Context": "api://A?actx=a", "Git": { "Url": "https://git.example.com/a.git" } }, { "Context": "api://A?actx=b", "Hosted": { "RequireSignedBy": "secret" } }],
              "Issuers": [{ "Issuer": "https://issuer.example.com" }]
            }
            """);
        Assert.Equal(new ProxyOptions { PublicUrl = "", DataDirectory = "" }.Urls, options.Urls);
        Assert.Equal(new TokenOptions(), options.Tokens with { ExternalAudiences = new TokenOptions().ExternalAudiences });
        Assert.Equal(new ProvisioningOptions(), options.Provisioning);
        Assert.Equal(new GitOptions(), options.Git);
        Assert.Equal(new AuditOptions(), options.Audit);
        Assert.Equal(new ProxyOptions { PublicUrl = "", DataDirectory = "" }.HealthDetails, options.HealthDetails);
        Assert.Equal(new RemoteGitOptions { Url = "https://git.example.com/a.git" }, options.Policies[0].Git);
        Assert.Equal(new HostedGitOptions().ObjectFormat, options.Policies[1].Hosted!.ObjectFormat);
        Assert.Equal(new IssuerOptions("", null, null, []).GroupsClaim, options.Issuers[0].GroupsClaim);
        var (upstream, expected) = (options.Upstreams["A"], new UpstreamOptions { Name = "A", Kind = UpstreamKind.Http });
        Assert.Equal((expected.ConnectTimeout, expected.ActivityTimeout, expected.HttpVersion, expected.EncodedSlash, expected.PassThrough),
            (upstream.ConnectTimeout, upstream.ActivityTimeout, upstream.HttpVersion, upstream.EncodedSlash, upstream.PassThrough));
        var (server, usual) = (upstream.Mcp[0], new McpServerOptions { Name = "m", Address = upstream.Mcp[0].Address });
        Assert.Equal((usual.MaxMessage, usual.MaxAnswer, usual.ActivityTimeout, usual.Discovery),
            (server.MaxMessage, server.MaxAnswer, server.ActivityTimeout, server.Discovery));
    }

    [Fact]
    public void The_choices_are_those_that_the_code_knows()
    {
        Assert.Equal(Enum.GetNames<CredentialKind>(), Choices("Credentials:#:Kind"));
        Assert.Equal(Enum.GetNames<UpstreamKind>().Order(StringComparer.OrdinalIgnoreCase), Choices("Upstreams:*:Kind").Order(StringComparer.OrdinalIgnoreCase),
            StringComparer.OrdinalIgnoreCase);
        Assert.Equal(Enum.GetNames<HealthDetails>(), Choices("Health:Details"), StringComparer.OrdinalIgnoreCase);
        Assert.Equal(Enum.GetNames<HttpProtocols>().Except(["None"]), OfKestrel(":Protocols"));
        Assert.Equal(Enum.GetNames<ClientCertificateMode>(), OfKestrel(":ClientCertificateMode"));
        Assert.Subset(Enum.GetNames<SslProtocols>().ToHashSet(), OfKestrel(":SslProtocols:#").ToHashSet());
        foreach (var kind in Enum.GetValues<UpstreamKind>())
        {
            var (options, _, _) = ReadExamples(kind.ToString(), "Bearer");
            Assert.Equal(kind, options.Upstreams["Name"].Kind);
        }

        IReadOnlyList<string> OfKestrel(string end) => KestrelKeys.Rows.First(row => row.Path.EndsWith(end, StringComparison.Ordinal)).Choices;
    }

    [Fact]
    public void Every_row_is_complete()
    {
        Assert.All(ConfigurationKeys.Rows.Concat(KestrelKeys.Rows), row =>
        {
            Assert.True(row.Meaning is [.., not '.'], row.Path);
            Assert.DoesNotContain("](", row.Meaning);
            Assert.False(row.Required && row.Default is not null, row.Path);
            Assert.Equal(row.Type == KeyType.Choice || row.Path == "Upstreams:*:PassThrough", row.Choices.Count > 0);
            Assert.Equal(row.Type is KeyType.Number or KeyType.Size or KeyType.Duration, row.Least is not null && row.Most is not null);
            using var example = JsonDocument.Parse(row.Example);
        });
        Assert.Equal(ConfigurationKeys.Rows.Count, ConfigurationKeys.Rows.Select(row => row.Path).Distinct(StringComparer.OrdinalIgnoreCase).Count());
    }

    [Fact]
    public void The_schema_says_type_default_choices_bounds_and_meaning()
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            ConfigurationSchema.Write(json);
        using var schema = JsonDocument.Parse(text.ToArray());

        Assert.Equal("""{"enum":["RS256","ES256",null],"description":"of the tokens that are issued","default":"RS256","examples":["RS256"]}""",
            At("Tokens", "Algorithm"));
        Assert.Equal("""{"type":["integer","null"],"minimum":1,"maximum":65535,"description":"where a droplet's sshd is asked for its key","default":22,"examples":[22]}""",
            At("Provisioning", "SshPort"));
        Assert.StartsWith("""{"enum":[true,false,"handed-out",null],""", At("Upstreams", "*", "PassThrough"));
        Assert.StartsWith("""{"type":["array","null"],"description":"other services that tokens may be issued for","examples":[["sts.amazonaws.com"]],"items":{"type":["string","null"]}}""",
            At("Tokens", "ExternalAudiences"));
        var pattern = schema.RootElement.GetProperty("properties").GetProperty("Git").GetProperty("properties").GetProperty("Timeout").GetProperty("pattern");
        Assert.Matches(pattern.GetString()!, "30.00:00:00");
        Assert.DoesNotMatch(pattern.GetString()!, "5");
        Assert.Contains("\"$schema\"", schema.RootElement.GetProperty("properties").ToString());

        string At(params string[] path) => path.Aggregate(schema.RootElement, (node, part) => part == "*"
            ? node.GetProperty("additionalProperties") : node.GetProperty("properties").GetProperty(part)).GetRawText();
    }

    [Fact]
    public void The_table_in_the_documentation_is_this_table()
    {
        var path = Path.Combine(Top(), "docs", "operations.md");
        var page = File.ReadAllText(path);
        var start = page.IndexOf(Header, StringComparison.Ordinal);
        var end = page.IndexOf("\n\n", start, StringComparison.Ordinal) + 1;
        var table = Header + string.Concat(ConfigurationKeys.Rows.Select(row => $"| {Shown(row)} | {TypeOf(row)} | {DefaultOf(row)} | {MeaningOf(row)} |\n"));
        if (Environment.GetEnvironmentVariable("WORKLOAD_PROXY_UPDATE_DOCS") == "1") File.WriteAllText(path, page[..start] + table + page[end..]);
        else Assert.Equal(table, page[start..end]);
    }

    private static string Shown(ConfigurationKey row) => $"`{Last().Replace(row.Path.Replace("*", "NAME", StringComparison.Ordinal), "")}`";

    private static string TypeOf(ConfigurationKey row)
    {
        var choices = string.Join(", ", row.Choices.Select(choice => $"`{choice}`"));
        var type = row.Type switch
        {
            KeyType.Choice => choices,
            KeyType.Flag => row.Choices.Count > 0 ? $"bool or {choices}" : "bool",
            KeyType.SecretFile => "file",
            KeyType.CertificateFile => "PEM file",
            KeyType.Variable => "environment variable",
            KeyType.Json => "object",
            KeyType.Text => "string",
            KeyType.Size => $"bytes, {row.Least} to {row.Most}",
            KeyType.Number => row.Most == "9223372036854775807" ? "number" : $"number, {row.Least} to {row.Most}",
            KeyType.Duration => $"duration, `{row.Least}` to `{row.Most}`",
            _ => row.Type.ToString().ToLowerInvariant(),
        };
        return row.IsList ? $"list of {row.Form ?? (row.Type == KeyType.Choice ? choices : "strings")}" : row.Form
            ?? (row.MayBeNull ? $"{type}, or null" : type);
    }

    private static string DefaultOf(ConfigurationKey row) =>
        row.Required ? "required" : row.Default is { } value ? $"`{value}`" : row.Absent ?? (row.IsList ? "`[]`" : "–");

    private static string MeaningOf(ConfigurationKey row) =>
        row.More is { } more ? $"{row.Meaning} ([{(more.StartsWith('#') ? more[1..].Replace('-', ' ') : more.Split('#')[0])}]({more}))" : row.Meaning;

    private static IReadOnlyList<string> Choices(string path) => ConfigurationKeys.Rows.First(row => row.Path == path).Choices;

    /// <summary>All examples at once, which is a configuration full of mistakes; each kind has keys of its own.</summary>
    private static (ProxyOptions Options, SettingsReader Reader, List<ConfigurationMistake> Mistakes) ReadExamples(string upstream, string credential)
    {
        var settings = ConfigurationKeys.Rows.SelectMany(row => Example(row, row.Example)).Select(setting => setting switch
        {
            { Key: "Upstreams:Name:Kind" } => setting with { Value = upstream },
            { Key: "Credentials:0:Kind" } => setting with { Value = credential },
            _ when setting.Key.EndsWith(":Context", StringComparison.Ordinal) => setting with { Value = "api://Name?actx=a" },
            _ => setting,
        });
        var mistakes = new List<ConfigurationMistake>();
        var reader = Reader(settings, mistakes);
        return (OptionsReading.Read(reader, development: false), reader, mistakes);
    }

    private static SettingsReader Reader(IEnumerable<Setting> source, List<ConfigurationMistake> mistakes)
    {
        var settings = new Settings();
        settings.Add(source);
        return new SettingsReader(settings, Path.GetTempPath(), new Dictionary<string, string>(), mistakes, []);
    }

    private static IEnumerable<Setting> Example(ConfigurationKey row, string json)
    {
        using var value = JsonDocument.Parse(json);
        var key = Concrete(row.Path);
        return row.IsList && value.RootElement.ValueKind == JsonValueKind.Array
            ? [.. value.RootElement.EnumerateArray().Select((element, index) => new Setting($"{key[..^1]}{index}", element.ToString(), "test"))]
            : [new Setting(key, value.RootElement.ValueKind is JsonValueKind.True or JsonValueKind.False ? json : value.RootElement.ToString(), "test")];
    }

    private static string Concrete(string path) => path.Replace("*", "Name", StringComparison.Ordinal).Replace('#', '0');

    private static void Read(SettingsReader reader, ConfigurationKey row, string key)
    {
        switch (row.Type)
        {
            case KeyType.Text: Assert.NotNull(reader.Text(key)); break;
            case KeyType.Address: Assert.NotNull(reader.Address(key, _ => true)); break;
            case KeyType.Path: Assert.NotNull(reader.Path(key)); break;
            case KeyType.Flag: reader.Flag(key); break;
            case KeyType.Number or KeyType.Size: Assert.NotNull(reader.NumberOrNone(key)); break;
            case KeyType.Duration: Assert.NotNull(reader.DurationOrNone(key)); break;
            case KeyType.Choice: Assert.NotNull(reader.Choice(key, "choice")); break;
            case KeyType.Json: Assert.NotNull(reader.Json(key)); break;
            default: Assert.Fail($"{row.Path} is read by nobody here"); break;
        }
    }

    private static string Top()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "WorkloadProxy.sln"))) directory = directory.Parent;
        return directory.FullName;
    }

    [GeneratedRegex(@":#\z")]
    private static partial Regex Last();
}
