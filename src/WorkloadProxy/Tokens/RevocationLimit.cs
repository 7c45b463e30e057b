namespace WorkloadProxy.Tokens;

/// <summary>
/// How many revocations are kept at a time. Whoever holds an identity token can exchange and revoke without end, and each revocation is a row of an hour or
/// more. So of what one token was exchanged for directly, 100 are revoked one by one: with the next one the token itself is revoked, and all that descends from
/// it. Only its holder can bring that about; who holds a descendant can end no more than that. A context has 10,000 places of its own; when they are taken, the
/// identity token that a chain began with is revoked instead, for which there are as many. Up to there a limit revokes more, never less: filling it keeps no
/// stolen token alive.
/// </summary>
internal sealed class RevocationLimit
{
    public const int MaxDescendants = 100;
    public const int MaxOfContext = 10_000;

    private readonly Lock gate = new();
    private readonly Dictionary<string, int> counts = new(StringComparer.Ordinal);

    /// <summary>Takes a place for the token's revocation, or null when its context has none left.</summary>
    public RevocationPlace? Take(VerifiedToken token)
    {
        var ids = token.RevocationIds;
        var (context, root) = (SourceOf(token), ids.Count - 1);
        lock (gate)
        {
            var revoked = 0;
            while (revoked < root && CountOf(ids[revoked + 1]) >= MaxDescendants) revoked++;
            if (CountOf(context) >= MaxOfContext) revoked = root;
            var places = revoked == root ? $"identity tokens of {context}" : context;
            if (CountOf(places) >= MaxOfContext) return null;
            var place = new RevocationPlace(ids[revoked], revoked == root ? [places] : [ids[revoked + 1], places]);
            foreach (var key in place.CountedUnder) counts[key] = CountOf(key) + 1;
            return place;
        }
    }

    /// <summary>Gives the place back, once its revocation has expired or was not stored.</summary>
    public void GiveBack(IReadOnlyList<string> countedUnder)
    {
        lock (gate)
        {
            foreach (var key in countedUnder)
            {
                if (CountOf(key) is var count and > 1) counts[key] = count - 1;
                else counts.Remove(key);
            }
        }
    }

    private int CountOf(string key) => counts.GetValueOrDefault(key);

    /// <summary>The context whose policy let the token be minted: a token for another context must not take that one's places.</summary>
    private static string SourceOf(VerifiedToken token) =>
        token.IsOwn && token.Claims.Root.TryGetProperty(OwnClaims.Source, out var source) && source.GetString() is { } context ? context : token.ContextText;
}

/// <summary>
/// <paramref name="Id"/> is what is revoked: the token, or an ancestor of it. <paramref name="CountedUnder"/> are the token that it was exchanged for, and its
/// context.
/// </summary>
internal sealed record RevocationPlace(string Id, IReadOnlyList<string> CountedUnder);
