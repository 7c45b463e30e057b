using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;
using WorkloadProxy.PolicyDelivery.Directories;

namespace WorkloadProxy.Cli.Input;

/// <summary>The arguments that say which policy set, for which context; and reading it as the server does.</summary>
internal sealed class PolicyInput
{
    // a placeholder for the context where a set is checked on its own
    private const string PlaceholderId = "00000000-0000-0000-0000-000000000000";
    private const string PlaceholderIssuer = "https://workload-proxy.invalid";

    private readonly Option<string> actx = new("--actx") { HelpName = "ID", Description = "The context's id, for `{actx}`; defaults to a placeholder." };
    private readonly Option<string> upstream = new("--upstream")
        { HelpName = "NAME", Description = "The context's upstream.", DefaultValueFactory = _ => "DigitalOcean" };
    private readonly Option<string> issuer = new("--issuer") { HelpName = "URL", Description = "This proxy's issuer URL, for roles without `iss`." };

    private readonly Option<bool> encodedSlash = new("--encoded-slash") { Description = "The upstream is configured with `EncodedSlash: true`." };
    private readonly Option<string[]> externalAudience = new("--external-audience")
        { HelpName = "AUD", Description = "The server mints tokens for this service too (`Tokens:ExternalAudiences`); may be repeated.",
            DefaultValueFactory = _ => [] };
    private readonly Option<string> revision = new("--rev")
        { HelpName = "REV", Description = "Read DIR as it is in this revision of its git repository, without a checkout." };

    public Argument<string> Directory { get; } = new Argument<string>("DIR")
        { Description = "The directory that holds policies/ and roles/.", DefaultValueFactory = _ => "." }.NoOption();

    public Command AddTo(Command command, bool withDirectory = true)
    {
        if (withDirectory)
        {
            command.Add(Directory);
            command.Add(revision);
        }
        command.Add(actx);
        command.Add(upstream);
        command.Add(issuer);
        command.Add(encodedSlash);
        command.Add(externalAudience);
        return command;
    }

    public bool HasContext(ParseResult parsed) => parsed.GetValue(actx) is not null;

    public bool TryGetOptions(ParseResult parsed, [NotNullWhen(true)] out CompileOptions? options, [NotNullWhen(false)] out string? error)
    {
        options = null;
        var id = parsed.GetValue(actx) ?? PlaceholderId;
        var own = parsed.GetValue(issuer) ?? PlaceholderIssuer;
        var written = id.StartsWith("api://", StringComparison.Ordinal) ? id : $"api://{parsed.GetValue(upstream)}?actx={id}";
        if (!AuthContext.TryParse(written, out var context)) error = $"`{written}` is not a context, expected `api://<Upstream>?actx=<id>`";
        else if (!Uri.TryCreate(own, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            error = $"`{own}` is not an issuer, expected `https://host`";
        else
        {
            options = new CompileOptions(context, own.TrimEnd('/'))
                { EncodedSlash = parsed.GetValue(encodedSlash), ExternalAudiences = parsed.GetValue(externalAudience) ?? [] };
            error = null;
        }
        return options is not null;
    }

    /// <summary>
    /// Reads and compiles what the command line names; with any error in it there is no set. False, with the reason, where it can't be read at all.
    /// </summary>
    public bool TryCompile(ParseResult parsed, CompileOptions options, [NotNullWhen(true)] out CompiledDirectory? compiled,
        [NotNullWhen(false)] out string? error) =>
        TryCompile(parsed.GetValue(Directory)!, parsed.GetValue(revision), options, out compiled, out error);

    /// <summary>
    /// The directory as it is, or as it is in a revision. Nothing at all is an error, unless it <paramref name="mayBeEmpty"/>: before the first policy there
    /// was none.
    /// </summary>
    public static bool TryCompile(string directory, string? revision, CompileOptions options, [NotNullWhen(true)] out CompiledDirectory? compiled,
        [NotNullWhen(false)] out string? error, bool mayBeEmpty = false)
    {
        (compiled, error) = (null, null);
        if (revision is null)
        {
            compiled = Compile(directory, options, mayBeEmpty);
            return true;
        }
        if (!Revision.TryRead(directory, revision, out var content, out error)) return false;
        compiled = Compile(directory, content.Files, content.Problems, options, mayBeEmpty);
        return true;
    }

    public static CompiledDirectory Compile(string directory, CompileOptions options, bool mayBeEmpty = false)
    {
        var content = PolicyDirectoryReader.Read(directory);
        return Compile(directory, content.Files, content.Problems, options, mayBeEmpty);
    }

    private static CompiledDirectory Compile(string directory, IReadOnlyList<PolicyFile> files, ImmutableArray<Diagnostic> problems, CompileOptions options,
        bool mayBeEmpty)
    {
        var result = PolicyCompiler.Compile(files, options);
        var diagnostics = problems.AddRange(result.Diagnostics).AddRange(Unread(directory));
        var isEmpty = files.Count == 0 && problems.IsEmpty && !mayBeEmpty;
        // An error here, so that a job whose path is wrong does not pass for ever.
        if (isEmpty)
            diagnostics = diagnostics.Add(new(DiagnosticSeverity.Error, "no-files", "there is no policy file",
                "expected *.hcl files under policies/ and roles/", Top(".")));
        return new(directory, files, problems.IsEmpty && !isEmpty ? result.Set : null, diagnostics);
    }

    /// <summary>Directories whose names are close to one that is read.</summary>
    private static IEnumerable<Diagnostic> Unread(string directory)
    {
        if (!System.IO.Directory.Exists(directory)) return [];
        string[] read = ["policies", "roles", "tests"];
        return new DirectoryInfo(directory).EnumerateDirectories().Select(entry => entry.Name).Order(StringComparer.Ordinal)
            .Where(name => !name.StartsWith('.') && !read.Contains(name) && !name.EndsWith("roles", StringComparison.Ordinal))
            .Select(name => (Name: name,
                Meant: name switch { "policy" => "policies", "role" => "roles", "test" => "tests", _ => NameSuggestion.Nearest(name, read) }))
                    .Where(entry => entry.Meant is not null)
            .Select(entry => new Diagnostic(DiagnosticSeverity.Warning, "unread-directory", $"`{entry.Name}/` is not read", $"did you mean `{entry.Meant}/`?",
                Top(entry.Name)));
    }

    private static SourceRange Top(string path) => new(path, new SourcePosition(0, 1, 1), new SourcePosition(0, 1, 1));
}

/// <summary>A directory's compiled set, or null with errors among the diagnostics.</summary>
internal sealed record CompiledDirectory(string Directory, IReadOnlyList<PolicyFile> Files, PolicySet? Set, ImmutableArray<Diagnostic> Diagnostics)
{
    /// <summary>The set; without one, the diagnostics have been printed.</summary>
    public bool TryGetSet(Terminal terminal, [NotNullWhen(true)] out PolicySet? set)
    {
        set = Set;
        if (set is null) DiagnosticOutput.WriteText(terminal.WriteError, Diagnostics, Files);
        return set is not null;
    }
}
