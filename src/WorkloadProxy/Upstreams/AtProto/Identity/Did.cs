using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace WorkloadProxy.Upstreams.AtProto.Identity;

/// <summary>
/// An account's identifier, and the id of its context: <c>did:plc:</c> with 24 characters of base 32, or <c>did:web:</c> with a lower-case host name (for
/// <c>localhost</c> also a port). There is one way to write each, so that DIDs are compared as texts.
/// </summary>
internal sealed record Did
{
    private const string PlcPrefix = "did:plc:", WebPrefix = "did:web:", Localhost = "localhost", PortSeparator = "%3A";
    private const int PlcLength = 24, MaxHost = 253, MaxLabel = 63;
    private static readonly SearchValues<char> base32 = SearchValues.Create("abcdefghijklmnopqrstuvwxyz234567"),
        inNames = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    private Did(string text) => Text = text;

    public string Text { get; }

    public bool IsPlc => Text.StartsWith(PlcPrefix, StringComparison.Ordinal);

    /// <summary>Of a <c>did:web</c>: host, and port if there is one, as they stand in an address; null otherwise.</summary>
    public string? Host => IsPlc ? null : Text[WebPrefix.Length..].Replace(PortSeparator, ":", StringComparison.Ordinal);

    /// <summary>Whether it is a <c>did:web</c> of this very machine, which only serves where the operator lists its origin.</summary>
    public bool IsLocal => !IsPlc && Text.AsSpan(WebPrefix.Length).StartsWith(Localhost) && !Text.AsSpan(WebPrefix.Length).Contains('.');

    public static bool TryParse(string? text, [NotNullWhen(true)] out Did? did)
    {
        did = IsValid(text) ? new Did(text!) : null;
        return did is not null;
    }

    public override string ToString() => Text;

    private static bool IsValid(string? text)
    {
        if (text is null) return false;
        if (text.StartsWith(PlcPrefix, StringComparison.Ordinal))
            return text.Length == PlcPrefix.Length + PlcLength && !text.AsSpan(PlcPrefix.Length).ContainsAnyExcept(base32);
        if (!text.StartsWith(WebPrefix, StringComparison.Ordinal)) return false;
        var host = text.AsSpan(WebPrefix.Length);
        if (!host.StartsWith(Localhost) || host.Contains('.')) return IsHostName(host);
        var rest = host[Localhost.Length..];
        return rest.IsEmpty || (rest.StartsWith(PortSeparator) && IsPort(rest[PortSeparator.Length..]));
    }

    /// <summary>Whether it is a lower-case name of at least two labels that can't be taken for an IP address.</summary>
    public static bool IsHostName(ReadOnlySpan<char> host)
    {
        if (host.Length is 0 or > MaxHost) return false;
        var labels = 0;
        var last = default(ReadOnlySpan<char>);
        foreach (var range in host.Split('.'))
        {
            labels++;
            last = host[range];
            if (last.Length is 0 or > MaxLabel || last[0] == '-' || last[^1] == '-' || last.ContainsAnyExcept(inNames)) return false;
        }
        // the URL standard reads a name whose last label is a number as an IPv4 address, `0x7f.1` too
        return labels > 1 && char.IsAsciiLetter(last[0]);
    }

    private static bool IsPort(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= 5 && text[0] != '0' && ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
