using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;

namespace WorkloadProxy.Web;

/// <summary>
/// HTML that is safe to write. It is only ever made from interpolated strings, and each value in one is escaped unless it is <see cref="Html"/> itself: code
/// that forgets to escape does not compile. Attributes are always quoted, and no value is placed in a script, a style or the scheme of an address.
/// </summary>
internal sealed class Html
{
    private readonly string text;

    private Html(string text) => this.text = text;

    public static Html None { get; } = new("");

    public static Html Of(Builder markup) => new(markup.ToText());

    public static Html Join(IEnumerable<Html> parts) => new(string.Concat(parts.Select(part => part.text)));

    public override string ToString() => text;

    [InterpolatedStringHandler]
    internal readonly ref struct Builder(int literalLength, int formattedCount)
    {
        private readonly StringBuilder output = new(literalLength + formattedCount * 32);

        public void AppendLiteral(string markup) => output.Append(markup);
        public void AppendFormatted(Html? html) => output.Append(html?.text);
        public void AppendFormatted(string? text) => output.Append(text is null ? "" : HtmlEncoder.Default.Encode(text));
        public void AppendFormatted(int number) => output.Append(number);

        public string ToText() => output.ToString();
    }
}
