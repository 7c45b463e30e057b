using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication;

/// <summary>
/// The hashes of header values seen lately, by the string's identity. Kestrel gives the same string again while a connection repeats a header, and hashing
/// it each time would be the most expensive part of a known token's request. A string is taken in when it comes for the second time: of many tokens in turn
/// each comes in a new one, and a weak reference for each of these would cost more than it could ever give back. Holds no token: the strings are weakly
/// referenced.
/// </summary>
internal sealed class RecentTokenHashes
{
    private const int Slots = 1024;

    private sealed record Seen(WeakReference<string> Text, int Start, int Length, TokenHash Hash);

    private readonly Seen?[] slots = new Seen?[Slots];
    /// <summary>
    /// The identity of the string that each slot was last asked about. Two may share one: then the wrong string is taken in, and never found.
    /// </summary>
    private readonly int[] candidates = new int[Slots];

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
        ref var candidate = ref candidates[SlotOf(text)];
        var identity = RuntimeHelpers.GetHashCode(text);
        if (Volatile.Read(ref candidate) != identity)
        {
            Volatile.Write(ref candidate, identity);
            return;
        }
        Volatile.Write(ref slots[SlotOf(text)], new Seen(new WeakReference<string>(text), start, length, hash));
    }

    private static int SlotOf(string text) => RuntimeHelpers.GetHashCode(text) & (Slots - 1);
}
