using System.CommandLine;
using WorkloadProxy.Cli.Output;

namespace WorkloadProxy.Cli.Commands;

/// <summary><c>completion SHELL</c>: a script that asks this program what may come next on a command line.</summary>
internal static class CompletionCommand
{
    // The program's `[suggest:N]` answers for the line up to character N, one suggestion a line. File names are the shell's own.
    private const string Bash =
        """"
        # workload-proxy completion: source <(workload-proxy completion bash)
        _workload_proxy() {
          local line="${COMP_LINE:0:COMP_POINT}"
          mapfile -t COMPREPLY < <(compgen -W "$(workload-proxy "[suggest:${#line}]" "$line" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}")
        }
        complete -o default -F _workload_proxy workload-proxy
        """";

    private const string Zsh =
        """"
        #compdef workload-proxy
        # workload-proxy completion: source <(workload-proxy completion zsh)
        _workload_proxy() {
          local line="${(j: :)words[1,CURRENT]}"
          local -a suggestions=("${(@f)$(workload-proxy "[suggest:${#line}]" "$line" 2>/dev/null)}")
          [ -n "${suggestions[1]}" ] && compadd -a suggestions
          _files
        }
        compdef _workload_proxy workload-proxy
        """";

    private const string Fish =
        """"
        # workload-proxy completion: workload-proxy completion fish | source
        function __workload_proxy
          set -l line (commandline -cp)
          workload-proxy "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c workload-proxy -a '(__workload_proxy)'
        """";

    private const string PowerShell =
        """"
        # workload-proxy completion: workload-proxy completion powershell | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName workload-proxy -ScriptBlock {
          param($wordToComplete, $commandAst, $cursorPosition)
          $line = $commandAst.ToString().PadRight($cursorPosition).Substring(0, $cursorPosition)
          workload-proxy "[suggest:$($line.Length)]" "$line" 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
        }
        """";

    private static readonly (string Shell, string Script)[] scripts = [("bash", Bash), ("zsh", Zsh), ("fish", Fish), ("powershell", PowerShell)];

    public static Command Create(Terminal terminal)
    {
        var shell = new Argument<string>("SHELL") { HelpName = "bash|zsh|fish|powershell", Description = "The shell that the script is for." };
        shell.AcceptOnlyFromAmong([.. scripts.Select(script => script.Shell)]);
        var command = new Command("completion", "Prints a completion script for a shell.") { shell };
        command.SetAction(parsed => terminal.WriteLine(scripts.Single(script => script.Shell == parsed.GetValue(shell)).Script));
        return command;
    }
}
