using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace WorkloadProxy.Authentication;

/// <summary>
/// The hashes of header values seen lately, by the string's identity. Kestrel gives the same string again while a connection repeats a header, and hashing
/// it each time would be the dearest part of a known token's way. Holds no token: the strings are weakly referenced.
/// </summary>
internal sealed class RecentTokenHashes
{
    private const int Slots = 1024;

    private sealed record Seen(WeakReference<string> Text, int Start, int Length, TokenHash Hash);

    private readonly Seen?[] slots = new Seen?[Slots];

    public bool TryGet(ReadOnlyMemory<char> token, out TokenHash hash)
    {
        hash = default;
        if (!MemoryMarshal.TryGetString(token, out var text, out var start, out var length)) return false;
        if (Volatile.Read(ref slots[SlotOf(text)]) is not { } seen || seen.Start != start || seen.Length != length) return false;
        if (!seen.Text.TryGetTarget(out var known) || !ReferenceEquals(known, text)) return false;
        hash = seen.Hash;
        return true;
    }

    public void Add(ReadOnlyMemory<char> token, TokenHash hash)
    {
        if (!MemoryMarshal.TryGetString(token, out var text, out var start, out var length)) return;
        Volatile.Write(ref slots[SlotOf(text)], new Seen(new WeakReference<string>(text), start, length, hash));
    }

    private static int SlotOf(string text) => RuntimeHelpers.GetHashCode(text) & (Slots - 1);
}
