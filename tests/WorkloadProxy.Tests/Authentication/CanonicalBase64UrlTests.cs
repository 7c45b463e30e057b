using FsCheck;
using FsCheck.Fluent;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Tests.Authentication;

public sealed class CanonicalBase64UrlTests
{
    [Theory]
    [InlineData("", new byte[0])]
    [InlineData("_w", new byte[] { 0xFF })]
    [InlineData("-_8", new byte[] { 0xFB, 0xFF })]
    [InlineData("AAAA", new byte[] { 0, 0, 0 })]
    public void A_canonical_text_decodes(string text, byte[] expected)
    {
        Assert.True(CanonicalBase64Url.TryDecode(text, out var bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("A")]
    [InlineData("AAAAA")]
    [InlineData("AA==")]
    [InlineData("AA=")]
    [InlineData("AB")]
    [InlineData("AAB")]
    [InlineData("+A")]
    [InlineData("/A")]
    [InlineData("A A")]
    [InlineData("AA\n")]
    [InlineData(" AA")]
    [InlineData("AÄ")]
    [InlineData("A.A")]
    public void Any_other_spelling_is_refused(string text) => Assert.False(CanonicalBase64Url.TryDecode(text, out _));

    [Fact]
    public void Each_value_has_one_spelling() => Prop.ForAll<byte[], char, byte>((bytes, c, at) =>
    {
        var text = TestKey.Url(bytes);
        if (!CanonicalBase64Url.TryDecode(text, out var decoded) || !decoded.AsSpan().SequenceEqual(bytes)) return false;
        if (text.Length == 0) return true;
        var other = text.ToCharArray();
        other[at % other.Length] = c;
        var changed = new string(other);
        return changed == text || !CanonicalBase64Url.TryDecode(changed, out var different) || TestKey.Url(different) == changed;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithReplay(1, 1));
}
