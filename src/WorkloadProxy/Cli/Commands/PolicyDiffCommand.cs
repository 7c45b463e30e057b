using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using WorkloadProxy.Cli.Input;
using WorkloadProxy.Cli.Output;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>policy diff</c>: what access changes from one policy set to another, each a directory or a revision.</summary>
internal static class PolicyDiffCommand
{
    public static Command Create(Terminal terminal)
    {
        var input = new PolicyInput();
        var first = new Argument<string?>("OLD|A..B|DIR")
            { Description = "The directory of the set in force; or two revisions; or, with --rev, the directory to compare.", Arity = ArgumentArity.ZeroOrOne };
        var second = new Argument<string?>("NEW|DIR")
            { Description = "The directory of the set to come; or, after A..B, the directory whose revisions they are.", Arity = ArgumentArity.ZeroOrOne };
        var revision = new Option<string>("--rev") { HelpName = "BASE", Description = "Compare this revision of DIR with DIR as it is now." };
        var fails = new Option<bool>("--exit-code") { Description = "Exit with 1 if access widened." };
        var format = OutputFormat.Of("text", "json", "github");
        var command = input.AddTo(new Command("diff",
            "Shows how access changes: who gains it, who loses it, and which rules were widened.") { first, second, revision, fails,
            format }, withDirectory: false);
        command.SetAction(parsed =>
        {
            if (!input.TryGetOptions(parsed, out var options, out var error)) return terminal.Fail(error);
            if (new[] { parsed.GetValue(first), parsed.GetValue(second) }.FirstOrDefault(value => value is ['-', _, ..]) is { } option)
                return terminal.Fail(UsageErrors.Unknown(option, command));
            if (!TryChoose(parsed.GetValue(first), parsed.GetValue(second), parsed.GetValue(revision), out var old, out var current, out error))
                return terminal.Fail(error);
            if (!PolicyInput.TryCompile(old.Directory, old.Revision, options, out var before, out error, mayBeEmpty: true)) return terminal.Fail(error);
            if (!before.TryGetSet(terminal, out var was)) return ExitCode.Findings;
            if (!PolicyInput.TryCompile(current.Directory, current.Revision, options, out var after, out error)) return terminal.Fail(error);
            if (!after.TryGetSet(terminal, out var now)) return ExitCode.Findings;
            var changes = PolicyDiff.Compare(was, now);
            DiffOutput.Write(terminal, parsed.GetValue(format)!, changes);
            return parsed.GetValue(fails) && changes.Any(change => change.Kind != AccessChangeKind.Narrowed) ? ExitCode.Findings : ExitCode.Ok;
        });
        return command;
    }

    /// <summary>Directories win: <c>../main</c> is one, though it has two dots.</summary>
    private static bool TryChoose(string? first, string? second, string? revision, out Side old, out Side current, [NotNullWhen(false)] out string? error)
    {
        (old, current, error) = (default, default, null);
        if (revision is not null)
        {
            if (second is not null) error = "with `--rev`, expected one directory at most";
            (old, current) = (new(first ?? ".", revision), new(first ?? ".", null));
        }
        else if (first is null)
        {
            error = "expected two directories, two revisions `A..B`, or `--rev BASE`";
        }
        else if (RevisionRange.TryParse(first, out var range) && !(Directory.Exists(first) && second is not null))
        {
            var directory = second ?? ".";
            if (range.FromMergeBase)
            {
                if (!Revision.TryMergeBase(directory, range.From, range.To, out var commit, out error)) return false;
                range = range with { From = commit };
            }
            (old, current) = (new(directory, range.From), new(directory, range.To));
        }
        else
        {
            if (second is null) error = $"expected a second directory after `{first}`, two revisions `A..B`, or `--rev BASE`";
            (old, current) = (new(first, null), new(second ?? "", null));
        }
        return error is null;
    }

    private readonly record struct Side(string Directory, string? Revision);
}
