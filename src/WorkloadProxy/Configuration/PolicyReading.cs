using WorkloadProxy.Configuration.Sources;
using WorkloadProxy.Hcl;
using WorkloadProxy.Outbound;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Configuration;

/// <summary><c>Policies</c></summary>
internal static class PolicyReading
{
    private static readonly IReadOnlyList<string> Sources = ["Directory", "Git", "Hosted"];

    public static IReadOnlyList<PolicySourceOptions> ReadSources(SettingsReader reader)
    {
        var sources = new List<PolicySourceOptions>();
        var bound = new List<(AuthContext Context, string Key)>();
        foreach (var key in reader.Elements("Policies"))
        {
            var context = reader.Context(key + ":Context");
            if (context is not null)
            {
                CheckDistinct(reader, key + ":Context", context, bound);
                bound.Add((context, key));
            }
            var given = Sources.Where(source => reader.Has($"{key}:{source}")).ToList();
            if (given.Count == 0) reader.Mistake(key, "has no source, expected `Directory`, `Git` or `Hosted`", "\"Directory\": \".\"");
            if (given.Count > 1)
                reader.Mistake(key, $"has the sources {string.Join(" and ", given.Select(source => $"`{source}`"))}, expected one", "\"Directory\": \".\"");

            var directory = reader.ExistingDirectory(key + ":Directory");
            var git = reader.Has(key + ":Git") ? ReadGit(reader, key + ":Git") : null;
            var hosted = reader.Has(key + ":Hosted") ? ReadHosted(reader, key + ":Hosted") : null;
            if (context is not null) sources.Add(new(context, directory, git, hosted));
        }
        return sources;
    }

    /// <summary>A context that something refers to must have its policies.</summary>
    public static void CheckBound(SettingsReader reader, string key, AuthContext? context, IReadOnlyList<PolicySourceOptions> policies)
    {
        if (context is null || policies.Any(policy => policy.Context == context)) return;
        var nearest = NameSuggestion.Nearest(context.ToString(), policies.Select(policy => policy.Context.ToString()));
        reader.Mistake(key, $"unknown context `{ConfigurationText.Show(context.ToString())}`, "
            + (nearest is null ? "expected one that `Policies` binds to a source" : $"did you mean `{nearest}`?"));
    }

    private static void CheckDistinct(SettingsReader reader, string key, AuthContext context, List<(AuthContext Context, string Key)> bound)
    {
        foreach (var (other, otherKey) in bound)
        {
            if (other == context)
            {
                reader.Mistake(key, $"`{ConfigurationText.Show(context.ToString())}` is bound at `{otherKey}` already");
                return;
            }
            // `actx:a:` begins the subjects of the one and of the other: `actx:a:b:role:x` would be both's
            if (Extends(context.Id, other.Id) || Extends(other.Id, context.Id))
                reader.Mistake(key, $"the id `{ConfigurationText.Show(context.Id)}` and the id `{ConfigurationText.Show(other.Id)}` of `{otherKey}` extend "
                    + "each other by `:`, subjects of one could be taken for the other's");
        }
    }

    private static bool Extends(string longer, string shorter) => longer.StartsWith(shorter + ":", StringComparison.Ordinal);

    private static HostedGitOptions ReadHosted(SettingsReader reader, string key)
    {
        return new(reader.ExistingDirectory(key + ":InitialDirectory"), reader.ExistingFile(key + ":RequireSignedBy"),
            reader.Choice(key + ":ObjectFormat", "object format")!);
    }

    private static RemoteGitOptions? ReadGit(SettingsReader reader, string key)
    {
        var before = reader.MistakeCount;
        var url = reader.Text(key + ":Url");
        if (url is not null) CheckUrl(reader, key, url);
        var branch = reader.Text(key + ":Branch")!;
        // what git check-ref-format refuses, and a leading dash, which git would take for an option
        if (branch[0] is '-' or '/' || branch[^1] is '/' or '.' || branch.Contains("..") || branch.AsSpan().ContainsAny(" ~^:?*[\\")
            || branch.EndsWith(".lock", StringComparison.Ordinal))
            reader.Mistake(key + ":Branch", $"`{ConfigurationText.Show(branch)}` is not the name of a branch");
        var path = reader.Text(key + ":Path")!;
        if (path.StartsWith('/') || path.Contains('\\') || path.Split('/').Contains(".."))
            reader.Mistake(key + ":Path", $"`{ConfigurationText.Show(path)}` leads out of the repository, expected a relative path inside it");
        var token = reader.ExistingFile(key + ":TokenFile");
        var sshKey = reader.ExistingFile(key + ":SshKeyFile");
        if (reader.Has(key + ":TokenFile") && reader.Has(key + ":SshKeyFile"))
            reader.Mistake(key + ":SshKeyFile", "is given beside `TokenFile`, expected one of them");
        var options = new RemoteGitOptions
        {
            Url = url ?? "",
            Branch = branch,
            Path = path,
            Interval = reader.Duration(key + ":Interval"),
            WebhookSecretFile = reader.ExistingFile(key + ":WebhookSecretFile"),
            TokenFile = token,
            SshKeyFile = sshKey,
            KnownHostsFile = reader.ExistingFile(key + ":KnownHostsFile"),
            RequireSignedBy = reader.ExistingFile(key + ":RequireSignedBy"),
            Status = reader.Has(key + ":Status") ? ReadStatus(reader, key + ":Status") : null,
        };
        return reader.MistakeCount == before ? options : null;
    }

    private static void CheckUrl(SettingsReader reader, string key, string url)
    {
        // only the first of these shows the address: each of the others may be a secret in the wrong place
        var isHttps = url.StartsWith("https://", StringComparison.Ordinal);
        var isSsh = url.StartsWith("ssh://", StringComparison.Ordinal);
        if (!isHttps && !isSsh && !url.StartsWith("file:///", StringComparison.Ordinal) || !Uri.TryCreate(url, UriKind.Absolute, out var uri))
            reader.Mistake(key + ":Url",
                $"{(url.Contains('@') ? "" : $"`{ConfigurationText.Show(url)}` ")}is not a repository's address, expected `https://…`, `ssh://…` or "
                    + "`file:///…`");
        else if (isHttps && url.Contains('@'))
            reader.Mistake(key + ":Url", "holds a user or password, expected an address without (`TokenFile` names the secret's file)");
        else if (url.AsSpan().ContainsAny('?', '#') || url.Any(c => c <= ' ' || char.IsControl(c)))
            reader.Mistake(key + ":Url", "holds a query, a fragment or a space, expected a scheme, a host and a path");
        else if (isSsh && (uri.UserInfo.StartsWith('-') || uri.Host.StartsWith('-')))
            reader.Mistake(key + ":Url", "begins with a dash, which ssh would take for an option");
        else if (isSsh && uri.UserInfo.Contains(':'))
            reader.Mistake(key + ":Url", "holds a password, expected `ssh://git@host/path`");
        else if (isSsh && !reader.Has(key + ":KnownHostsFile"))
            reader.Mistake(key + ":KnownHostsFile", "is missing: ssh needs the host's key");
    }

    private static CommitStatusOptions? ReadStatus(SettingsReader reader, string key)
    {
        var before = reader.MistakeCount;
        var address = reader.Address(key + ":ApiAddress", NetworkPlace.IsLoopbackOrInCluster);
        var token = reader.ExistingFile(key + ":TokenFile");
        var hasToken = reader.Has(key + ":TokenFile");
        var ofApp = GitHubAppReading.Keys.FirstOrDefault(name => reader.Has($"{key}:{name}"));
        if (hasToken && ofApp is not null) reader.Mistake($"{key}:{ofApp}", "is given beside `TokenFile`, expected a token or an App");
        if (!hasToken && ofApp is null) reader.Mistake(key + ":TokenFile", "is missing, expected it, or `AppId` and `PrivateKeyFile` of a GitHub App");
        var app = ofApp is not null ? GitHubAppReading.Read(reader, key, hasToken) : null;
        return reader.MistakeCount == before && address is not null ? new(address, token, app) : null;
    }
}
