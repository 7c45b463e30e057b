namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>
/// The form of an app password, <c>xxxx-xxxx-xxxx-xxxx</c>. Anything else may be the password of the account itself, which opens all of it, and which the proxy
/// must never hold.
/// </summary>
internal static class AppPasswordForm
{
    private const int Length = 19, Group = 5;

    public static bool Matches(ReadOnlySpan<char> text)
    {
        if (text.Length != Length) return false;
        for (var i = 0; i < Length; i++)
        {
            if (i % Group == Group - 1 ? text[i] != '-' : !(char.IsAsciiLetterLower(text[i]) || char.IsAsciiDigit(text[i]))) return false;
        }
        return true;
    }
}
