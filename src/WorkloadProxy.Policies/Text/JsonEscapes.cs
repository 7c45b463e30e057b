using System.Text;

namespace WorkloadProxy.Policies;

/// <summary>What a JSON string's escapes may smuggle past a reader that has found them well formed.</summary>
public static class JsonEscapes
{
    /// <summary>
    /// Of a string's raw text: whether it holds a surrogate without its other half, which means nothing, or what each reader likes; <paramref name="hasNul"/>
    /// is whether it holds a NUL, which ends a name for some. Raw surrogates are invalid UTF-8, and raw controls invalid JSON already.
    /// </summary>
    public static bool HasLoneSurrogate(ReadOnlySpan<byte> raw, out bool hasNul)
    {
        var high = false;
        hasNul = false;
        for (var i = 0; i < raw.Length; i++)
        {
            var unit = ' ';
            if (raw[i] == '\\' && raw[++i] == 'u')
            {
                unit = (char)Convert.ToUInt16(Encoding.ASCII.GetString(raw.Slice(i + 1, 4)), 16);
                hasNul |= unit == 0;
                i += 4;
            }
            if (high != char.IsLowSurrogate(unit)) return true;
            high = char.IsHighSurrogate(unit);
        }
        return high;
    }
}
