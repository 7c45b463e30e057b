using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace WorkloadProxy.Hcl.Tests;

public sealed class FormatterTests
{
    [Theory]
    [InlineData("a=1", "a = 1\n")]
    [InlineData("a=1\nlonger =2 # why\nb= 3   # because", "a      = 1\nlonger = 2 # why\nb      = 3 # because\n")]
    [InlineData("x = {\n\"a\"=1\n\"bcd\"   =  [1,2 ,3]\n}", "x = {\n  \"a\"   = 1\n  \"bcd\" = [1, 2, 3]\n}\n")]
    [InlineData("role \"r\"{\naud=\"a\"\n\n\n\npolicies=[ \"p\" ]\n}\n\n\n", "role \"r\" {\n  aud = \"a\"\n\n  policies = [\"p\"]\n}\n")]
    [InlineData("a = {x=1}\nb = {}\nc = [{a:1}]", "a = { x = 1 }\nb = {}\nc = [{ a : 1 }]\n")]
    [InlineData("a = -1\nb = 1-2\nc = 1 -x\nd = !ok", "a = -1\nb = 1 - 2\nc = 1 - x\nd = !ok\n")]
    [InlineData("a = f( 1 , g(2)... )[0].b", "a = f(1, g(2)...)[0].b\n")]
    [InlineData("a = [for x in [1]:x if (x>0)]", "a = [for x in [1] : x if (x > 0)]\n")]
    [InlineData("a = x?1:2", "a = x ? 1 : 2\n")]
    [InlineData("# top\n\n  // next\na = 1 /* in */\n", "# top\n\n// next\na = 1 /* in */\n")]
    [InlineData("a = \"${ b }  =  %{ if c }x%{ endif }\"", "a = \"${ b }  =  %{ if c }x%{ endif }\"\n")]
    [InlineData("b {\na = <<-EOT\n  one   =  two\n    EOT\nccc = 1\n}", "b {\n  a = <<-EOT\n  one   =  two\n    EOT\n  ccc = 1\n}\n")]
    [InlineData("a = [\n1,\n[\n2]]", "a = [\n  1,\n  [\n2]]\n")]
    [InlineData("a = 1\r\nb = 2\r\n", "a = 1\nb = 2\n")]
    [InlineData("", "")]
    [InlineData("\n\n# only\n\n", "# only\n")]
    [InlineData("größe = 1\na = 2", "größe = 1\na     = 2\n")]
    public void A_file_is_laid_out(string text, string expected)
    {
        Assert.Equal(expected, Format(text));
        Assert.Equal(expected, Format(expected));
    }

    [Fact]
    public void A_file_that_does_not_parse_is_left_alone() => Assert.Null(Format("a = ["));

    [Fact]
    public void The_layout_changes_nothing_but_blanks()
    {
        string[] pieces = ["a", "b", "in", "if", "for", " ", "\n", "\n", "=", "=", "\"x\"", "\"${a}\"", "1", "{", "}", "[", "]", "(", ")", ",", "-", "!", "+",
            "?", ":", ".", "...", "=>", "# c\n", "/* c */", "<<E\n t\nE\n", "{\n", "}\n"];
        Prop.ForAll(Gen.Elements(pieces).ArrayOf().Select(array => string.Concat(array)).ToArbitrary(), text =>
        {
            if (Format(text) is not { } formatted) return true;
            return Essence(text) == Essence(formatted) && Format(formatted) == formatted;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
        var wellFormed = Gen.Elements("a=1\n", "bc = [1,-2]\n", "# c\n", "x={\ny=1 # z\n}\n", "b \"l\" {\n", "}\n", "\n", "s=<<E\n  q\nE\n",
            "t = \"a  ${ f( 1 ) }\" // end\n", "o={a=1,b=2}\n").ArrayOf();
        Prop.ForAll(wellFormed.Select(array => string.Concat(array)).ToArbitrary(), text =>
        {
            if (Format(text) is not { } formatted) return true;
            return Essence(text) == Essence(formatted) && Format(formatted) == formatted;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
    }

    /// <summary>The tokens, without line breaks and the blanks at comments' ends.</summary>
    private static string Essence(string text)
    {
        var source = Encoding.UTF8.GetBytes(text);
        using var tokens = new TokenList("f", 16);
        Lexer.Run(source, tokens, new LexicalErrors("f", new DiagnosticList()));
        var essence = new StringBuilder();
        for (var i = 0; i < tokens.Count; i++)
        {
            if (tokens[i].Kind is TokenKind.Newline or TokenKind.End) continue;
            essence.Append(tokens[i].Kind).Append(Encoding.UTF8.GetString(source[tokens[i].Start..tokens[i].End]).TrimEnd()).Append('|');
        }
        return essence.ToString();
    }

    private static string? Format(string text) =>
        HclFormatter.Format(HclParser.Parse("f.hcl", Encoding.UTF8.GetBytes(text))) is { } formatted ? Encoding.UTF8.GetString(formatted) : null;
}
