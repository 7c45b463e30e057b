using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Cli.Output;

internal enum Colour { None = 0, Bold = 1, Faint = 2, Red = 31, Green = 32, Yellow = 33, Cyan = 36 }

/// <summary>
/// What commands print to. Colours only on a terminal, and not with <c>NO_COLOR</c>; control characters of policy files and tokens never get to it.
/// </summary>
internal sealed class Terminal(Stream output, Stream error, bool outputColours, bool errorColours)
{
    private static readonly UTF8Encoding utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public static Terminal System()
    {
        var colours = Environment.GetEnvironmentVariable("NO_COLOR") is not { Length: > 0 } && Environment.GetEnvironmentVariable("TERM") != "dumb";
        // with a terminal's name the runtime writes that terminal's keypad mode before the first byte: nothing here reads keys
        Environment.SetEnvironmentVariable("TERM", "dumb");
        return new Terminal(Console.OpenStandardOutput(), Console.OpenStandardError(), colours && !Console.IsOutputRedirected, colours
            && !Console.IsErrorRedirected);
    }

    public void Write(string text, Colour colour = Colour.None) => Write(output, text, outputColours ? colour : Colour.None);

    public void WriteLine(string text = "", Colour colour = Colour.None) => Write(output, text + "\n", outputColours ? colour : Colour.None);

    /// <summary>Bytes as they are: JSON, for programs.</summary>
    public void WriteJson(ReadOnlySpan<byte> json)
    {
        output.Write(json);
        output.Write("\n"u8);
        output.Flush();
    }

    /// <summary>Bytes as they are: a file, for another program.</summary>
    public void WriteBytes(ReadOnlySpan<byte> content)
    {
        output.Write(content);
        output.Flush();
    }

    public void WriteError(string text, Colour colour = Colour.None) => Write(error, text, errorColours ? colour : Colour.None);

    public void WriteErrorLine(string text, Colour colour = Colour.None) => Write(error, text + "\n", errorColours ? colour : Colour.None);

    /// <summary><c>workload-proxy: …</c> on standard error, and the exit code for it.</summary>
    public int Fail(string message, int exitCode = ExitCode.Findings)
    {
        WriteError("workload-proxy: ", Colour.Red);
        WriteErrorLine(message);
        return exitCode;
    }

    private static void Write(Stream stream, string text, Colour colour)
    {
        var clean = Clean(text);
        stream.Write(utf8.GetBytes(colour == Colour.None ? clean : $"\e[{(int)colour}m{clean}\e[0m"));
        stream.Flush();
    }

    private static string Clean(string text) => SafeText.Clean(text, '\uFFFD', kept: "\n\t");
}
