using System.Collections.Immutable;

namespace WorkloadProxy.Policies;

/// <summary>
/// The contexts of this server, as far as a set must know of them: an id is unique at its upstream only, and whoever has a namesake at another upstream mints
/// tokens of the same subject.
/// </summary>
public sealed class ContextRegistry : IEquatable<ContextRegistry>
{
    private readonly ImmutableArray<AuthContext> contexts;
    private readonly ImmutableArray<string> shared;

    private ContextRegistry(IEnumerable<AuthContext> contexts)
    {
        this.contexts = [.. contexts.Distinct().OrderBy(context => context.ToString(), StringComparer.Ordinal)];
        Ids = [.. this.contexts.Select(context => context.Id).Distinct(StringComparer.Ordinal)];
        shared = [.. this.contexts.GroupBy(context => context.Id, StringComparer.Ordinal).Where(same => same.Count() > 1).Select(same => same.Key)];
    }

    /// <summary>None is known, as where policies are checked away from the server.</summary>
    public static ContextRegistry Empty { get; } = new([]);

    /// <summary>Of these.</summary>
    public static ContextRegistry Of(IEnumerable<AuthContext> contexts) => new(contexts);

    internal ImmutableArray<string> Ids { get; }

    /// <summary>The contexts of one id that a subject may come from, when there are several; otherwise none.</summary>
    internal ImmutableArray<AuthContext> NamesakesOf(string subject)
    {
        foreach (var id in shared)
        {
            if (Names(subject, id)) return [.. contexts.Where(context => context.Id == id)];
        }
        return [];
    }

    internal bool HasNamesakes(string subject)
    {
        foreach (var id in shared)
        {
            if (Names(subject, id)) return true;
        }
        return false;
    }

    private static bool Names(string subject, string id)
        => subject.Length > id.Length + 5 && subject[id.Length + 5] == ':' && subject.StartsWith("actx:", StringComparison.Ordinal)
            && subject.AsSpan(5, id.Length).SequenceEqual(id);

    /// <inheritdoc/>
    public bool Equals(ContextRegistry? other) => other is not null && contexts.AsSpan().SequenceEqual(other.contexts.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ContextRegistry);

    /// <inheritdoc/>
    public override int GetHashCode() => contexts.Length == 0 ? 0 : HashCode.Combine(contexts.Length, contexts[0]);
}
