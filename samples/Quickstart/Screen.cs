namespace Quickstart;

/// <summary>What the reader sees: colours on a terminal, plain text elsewhere, and never a line broken, so that commands can be copied.</summary>
internal sealed class Screen
{
    private readonly bool colours = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null or "";

    public void Line(string text = "") => Console.WriteLine(text);

    public void Title(string text)
    {
        Line();
        Line(Paint("1", text));
        Line(Paint("1", new string('-', text.Length)));
    }

    public void Command(string text) => Line("\n" + Paint("36", text) + "\n");

    public void Labelled(string label, string text) =>
        Line($"{Paint("2", label.PadRight(15))} {text.ReplaceLineEndings("\n").Replace("\n", "\n" + new string(' ', 16))}");

    public void Outcome(bool good, string text) => Labelled(good ? "✓ as expected" : "✗ UNEXPECTED", Paint(good ? "32" : "31", text));

    private string Paint(string code, string text) => colours ? $"\e[{code}m{text}\e[0m" : text;
}
