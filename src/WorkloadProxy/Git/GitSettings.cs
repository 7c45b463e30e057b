using System.Globalization;
using WorkloadProxy.Configuration;

namespace WorkloadProxy.Git;

/// <summary>
/// What git is told, in place of every configuration file: none is read but the repository's own, which only this program writes.
/// </summary>
internal static class GitSettings
{
    // of the surroundings only these pass: where programs are, and how the network is reached
    private static readonly string[] inherited =
        ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy",
            "NO_PROXY"];

    /// <summary>
    /// Flaws of old importers and editors in commits that are long part of somebody's history, which hosts take: nothing is checked out here, and what is read
    /// of a commit is read strictly.
    /// </summary>
    public static readonly string[] HarmlessFlaws = ["zeroPaddedFilemode", "missingSpaceBeforeDate", "missingSpaceBeforeEmail", "badTimezone"];
    private static readonly (string Key, string Value)[] always =
    [
        ("core.hooksPath", "/dev/null"),
        ("core.attributesFile", "/dev/null"),
        ("core.excludesFile", "/dev/null"),
        ("core.fsmonitor", "false"),
        ("core.symlinks", "false"),
        ("core.useReplaceRefs", "false"),
        ("core.fsync", "loose-object"),
        // larger blobs are streamed to the disk, not held in memory
        ("core.bigFileThreshold", "1m"),
        ("core.logAllRefUpdates", "false"),
        ("credential.helper", ""),
        // the directory is ours, whoever owns its files (volumes in containers)
        ("safe.directory", "*"),
        ("gc.auto", "0"),
        ("gc.autoDetach", "false"),
        ("maintenance.auto", "false"),
        ("receive.autogc", "false"),
        ("pack.threads", "1"),
        ("transfer.fsckObjects", "true"),
        ("receive.fsckObjects", "true"),
        ("fetch.fsckObjects", "true"),
        .. HarmlessFlaws.SelectMany(flaw => new[] { ($"fsck.{flaw}", "ignore"), ($"receive.fsck.{flaw}", "ignore"), ($"fetch.fsck.{flaw}", "ignore") }),
        // one pack and one sync a push, not a file and a sync for each object
        ("receive.unpackLimit", "1"),
        ("fetch.unpackLimit", "1"),
        ("transfer.hideRefs", RefFile.OwnRefs),
        ("receive.advertisePushOptions", "false"),
        ("receive.denyCurrentBranch", "ignore"),
        ("uploadpack.allowFilter", "true"),
        // a partial clone asks for its missing blobs by name; who may read the repository may read all of it
        ("uploadpack.allowAnySHA1InWant", "true"),
        ("http.followRedirects", "false"),
        ("http.getanyfile", "false"),
        ("http.uploadpack", "true"),
        ("http.receivepack", "false"),
        ("submodule.recurse", "false"),
        ("fetch.recurseSubmodules", "false"),
        ("protocol.allow", "never"),
        ("protocol.https.allow", "always"),
        ("protocol.ssh.allow", "always"),
        ("protocol.file.allow", "always"),
        ("protocol.version", "2"),
        ("init.defaultBranch", "main"),
        ("gpg.program", "/dev/null"),
        ("gpg.x509.program", "/dev/null"),
        ("advice.detachedHead", "false"),
    ];

    /// <summary>The whole environment of one run: made from scratch.</summary>
    public static IEnumerable<(string Name, string Value)> Environment(GitDirectories directories, GitCommand command)
    {
        foreach (var name in inherited)
        {
            if (System.Environment.GetEnvironmentVariable(name) is { Length: > 0 } value) yield return (name, value);
        }
        yield return ("HOME", directories.Home);
        yield return ("XDG_CONFIG_HOME", directories.Home);
        yield return ("TMPDIR", directories.Temporary);
        // the data directory may lie in somebody's work tree, whose configuration is not for us
        yield return ("GIT_CEILING_DIRECTORIES", Path.GetDirectoryName(directories.Home)!);
        yield return ("LC_ALL", "C");
        yield return ("TZ", "UTC");
        yield return ("GIT_CONFIG_NOSYSTEM", "1");
        yield return ("GIT_CONFIG_SYSTEM", "/dev/null");
        yield return ("GIT_CONFIG_GLOBAL", "/dev/null");
        yield return ("GIT_ATTR_NOSYSTEM", "1");
        yield return ("GIT_TERMINAL_PROMPT", "0");
        // refs are read from their files, whatever a later git prefers
        yield return ("GIT_DEFAULT_REF_FORMAT", "files");
        yield return ("GIT_ALLOW_PROTOCOL", "https:ssh:file");
        // a pushed `refs/replace/…` must not stand in for another object, nor a pushed object claim all memory
        yield return ("GIT_NO_REPLACE_OBJECTS", "1");
        yield return ("GIT_ALLOC_LIMIT", "64m");
        if (command.Repository is { } repository) yield return ("GIT_DIR", repository);
        var index = 0;
        foreach (var (key, value) in always.Concat(command.Settings))
        {
            yield return ($"GIT_CONFIG_KEY_{index.ToString(CultureInfo.InvariantCulture)}", key);
            yield return ($"GIT_CONFIG_VALUE_{index.ToString(CultureInfo.InvariantCulture)}", value);
            index++;
        }
        yield return ("GIT_CONFIG_COUNT", index.ToString(CultureInfo.InvariantCulture));
        foreach (var variable in command.Environment) yield return variable;
    }

    public static (string, string) MaxInput(GitOptions options) => ("receive.maxInputSize", options.MaxSize.ToString(CultureInfo.InvariantCulture));
}
