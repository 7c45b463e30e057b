using System.Buffers;
using System.Collections.Concurrent;
using System.Net.Http.Headers;

namespace WorkloadProxy.Upstreams.AtProto.Dpop;

/// <summary>
/// The last nonce that each server gave to each session, in memory. Servers choose nonces and change them when they like, so any answer may bring the next one;
/// one that is lost costs one more round trip.
/// </summary>
internal sealed class DpopNonces(TimeProvider time)
{
    private const string HeaderName = "DPoP-Nonce";
    private const int MaxLength = 512;
    private const int MaxEntries = 4096;
    // RFC 9449 §8.1; anything else would also be escaped in the proof
    private static readonly SearchValues<char> Allowed =
        SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Select(c => (char)c).Where(c => c is not ('"' or '\\'))]);

    // two generations: the older half goes as a whole when the younger is full, and what is still in use has moved to the younger by then
    private ConcurrentDictionary<(string Session, string Origin), DpopNonce> young = new();
    private ConcurrentDictionary<(string Session, string Origin), DpopNonce> old = new();

    /// <param name="session">Its key's thumbprint.</param>
    /// <param name="origin">Of the server.</param>
    public DpopNonce? Find(string session, string origin) =>
        Volatile.Read(ref young).TryGetValue((session, origin), out var nonce) || Volatile.Read(ref old).TryGetValue((session, origin), out nonce)
        ? nonce : null;

    /// <summary>Takes the nonce out of an answer's headers, whatever its status.</summary>
    public void Learn(string session, string origin, HttpResponseHeaders headers)
    {
        if (!headers.NonValidated.TryGetValues(HeaderName, out var values) || values.Count != 1) return;
        var value = values.ToString();
        if (value.Length is 0 or > MaxLength || value.AsSpan().ContainsAnyExcept(Allowed)) return;
        var current = Volatile.Read(ref young);
        // counting takes every lock of the dictionary: only for a place that is new
        if (!current.ContainsKey((session, origin)) && current.Count >= MaxEntries && Interlocked.CompareExchange(ref young, new(), current) == current)
            Volatile.Write(ref old, current);
        Volatile.Read(ref young)[(session, origin)] = new(value, time.GetUtcNow());
    }
}
