using System.Globalization;
using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>
/// Unicode's normalization form C, which HCL gives every string. Our own, for .NET's does nothing under <c>InvariantGlobalization</c>. The data is Unicode
/// 15.0's, the version of HashiCorp's library.
/// </summary>
internal static class Normalization
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7, Leads = 19, Vowels = 21, Tails = 28;

    /// <summary>Below this every character is its own form.</summary>
    private const char FirstMark = '\u0300';

    private static readonly Lazy<Data> Loaded = new(Load);

    private sealed record Data(Dictionary<int, byte> Classes, Dictionary<int, int[]> Decompositions, Dictionary<(int, int), int> Compositions);

    public static string Compose(string text) => text.AsSpan().IndexOfAnyInRange(FirstMark, char.MaxValue) < 0 ? text : Compose(text, Loaded.Value);

    private static string Compose(string text, Data data)
    {
        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
            Decompose(rune.Value, points, data);
        Reorder(points, data);
        Recompose(points, data);
        var result = new StringBuilder(text.Length);
        Span<char> buffer = stackalloc char[2];
        foreach (var point in points)
            result.Append(buffer[..new Rune(point).EncodeToUtf16(buffer)]);
        return result.ToString();
    }

    private static void Decompose(int point, List<int> into, Data data)
    {
        var syllable = point - HangulBase;
        if (syllable is >= 0 and < Leads * Vowels * Tails)
        {
            into.Add(LeadBase + syllable / (Vowels * Tails));
            into.Add(VowelBase + syllable % (Vowels * Tails) / Tails);
            if (syllable % Tails != 0)
                into.Add(TailBase + syllable % Tails);
        }
        else if (data.Decompositions.TryGetValue(point, out var parts))
        {
            foreach (var part in parts)
                Decompose(part, into, data);
        }
        else
        {
            into.Add(point);
        }
    }

    /// <summary>Marks in a row are sorted by class, stably.</summary>
    private static void Reorder(List<int> points, Data data)
    {
        for (var i = 0; i < points.Count; i++)
        {
            var start = i;
            var sorted = true;
            for (byte last = 0; i < points.Count && Class(points[i], data) is var @class && @class != 0; i++, last = @class)
                sorted &= last <= @class;
            if (sorted)
                continue;
            var run = points.GetRange(start, i - start).OrderBy(point => Class(point, data)).ToArray();
            for (var j = 0; j < run.Length; j++)
                points[start + j] = run[j];
        }
    }

    private static void Recompose(List<int> points, Data data)
    {
        var kept = 0;
        var starter = -1;
        var lastClass = -1; // of what was kept behind the starter
        foreach (var point in points.ToArray())
        {
            var @class = Class(point, data);
            if (starter >= 0 && lastClass < @class && TryCompose(points[starter], point, data, out var composed))
            {
                points[starter] = composed;
                continue;
            }
            if (@class == 0)
            {
                starter = kept;
                lastClass = -1;
            }
            else
            {
                lastClass = @class;
            }
            points[kept++] = point;
        }
        points.RemoveRange(kept, points.Count - kept);
    }

    private static bool TryCompose(int first, int second, Data data, out int composed)
    {
        if (first is >= LeadBase and < LeadBase + Leads && second is >= VowelBase and < VowelBase + Vowels)
        {
            composed = HangulBase + ((first - LeadBase) * Vowels + second - VowelBase) * Tails;
            return true;
        }
        if (first is >= HangulBase and < HangulBase + Leads * Vowels * Tails && (first - HangulBase) % Tails == 0 && second is > TailBase and < TailBase
            + Tails)
        {
            composed = first + second - TailBase;
            return true;
        }
        return data.Compositions.TryGetValue((first, second), out composed);
    }

    private static byte Class(int point, Data data) => point < FirstMark ? (byte)0 : data.Classes.GetValueOrDefault(point);

    /// <summary>
    /// Lines <c>first:count:class</c>, a blank one, and lines <c>character=decomposition</c>; with <c>!</c> for <c>=</c> it is not composed again.
    /// </summary>
    private static Data Load()
    {
        var data = new Data([], [], []);
        using var reader = new StreamReader(typeof(Normalization).Assembly.GetManifestResourceStream("CanonicalForms.txt")!);
        while (reader.ReadLine() is { Length: > 0 } line)
        {
            var fields = line.Split(':');
            var first = Hex(fields[0]);
            for (var i = 0; i < int.Parse(fields[1], CultureInfo.InvariantCulture); i++)
                data.Classes[first + i] = byte.Parse(fields[2], CultureInfo.InvariantCulture);
        }
        while (reader.ReadLine() is { } line)
        {
            var sign = line.AsSpan().IndexOfAny('=', '!');
            var point = Hex(line[..sign]);
            var parts = line[(sign + 1)..].Split(' ').Select(Hex).ToArray();
            data.Decompositions[point] = parts;
            if (line[sign] == '=')
                data.Compositions[(parts[0], parts[1])] = point;
        }
        return data;
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
