namespace WorkloadProxy.Secrets;

/// <summary>A secret's text. Its one printable form is <c>***</c>; the text itself is asked for by name.</summary>
internal sealed class Secret(string text)
{
    public string Reveal() => text;
    public override string ToString() => "***";
}
