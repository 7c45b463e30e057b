using System.Collections.Immutable;
using WorkloadProxy.Policies.Patterns;

namespace WorkloadProxy.Policies.Deciding;

/// <summary>A node of the merged path trie: what may follow the segments that led here. Built once, then only read; a look-up allocates nothing.</summary>
internal sealed class RuleNode
{
    private readonly bool denies;
    private Dictionary<string, RuleNode>? literals;
    private Dictionary<string, Start>? starts;
    private int[] startLengths = [];
    private (PathSegment Segment, RuleNode Next)[] globs = [];
    private Start[] globStarts = [];
    private RuleNode? any;
    private RuleGroup[] ends = [];

    /// <param name="denies">A trie of denies matches in any letter case, and with the further forms that a deny holds for.</param>
    public RuleNode(bool denies) => this.denies = denies;

    /// <summary>What becomes of a group that matches.</summary>
    public interface ISink
    {
        void Found(RuleGroup group);
    }

    /// <summary><paramref name="segments"/> are the pattern's.</summary>
    public void Add(RuleGroup group, ImmutableArray<PathSegment> segments)
    {
        var node = this;
        for (var i = 0; i < segments.Length; i++)
        {
            if (i == segments.Length - 1 && group.Pattern.IsPrefix) node.AddStart(segments[i], group);
            else node = node.NextOf(segments[i]);
        }
        // More than one only where patterns differ in spelling alone.
        if (!group.Pattern.IsPrefix) node.ends = [.. node.ends, group];
    }

    /// <summary>Every permit whose pattern matches; <paramref name="path"/> is what is left after the last slash taken.</summary>
    public void Permits<TSink>(ReadOnlySpan<char> path, ref TSink sink)
        where TSink : ISink, allows ref struct
    {
        var slash = path.IndexOf('/');
        var segment = slash < 0 ? path : path[..slash];
        foreach (var length in startLengths)
        {
            if (length <= segment.Length && Find(starts, segment[..length]) is { } start && start.Segment.PermitsStart(path)) start.Found(ref sink);
        }
        foreach (var start in globStarts)
        {
            if (start.Segment.PermitsStart(path)) start.Found(ref sink);
        }
        if (Find(literals, segment) is { } literal) literal.PermitsNext(path, slash, ref sink);
        if (any is not null && segment.Length > 0) any.PermitsNext(path, slash, ref sink);
        foreach (var (glob, next) in globs)
        {
            if (glob.Permits(segment)) next.PermitsNext(path, slash, ref sink);
        }
    }

    /// <summary>Every deny that holds for the path (<see cref="PathPattern.Denies(string)"/>, without the segments that are nothing but a suffix).</summary>
    public void Denies<TSink>(ReadOnlySpan<char> path, ref TSink sink)
        where TSink : ISink, allows ref struct
    {
        var slash = path.IndexOf('/');
        var segment = slash < 0 ? path : path[..slash];
        var semicolon = segment.IndexOf(';');
        var plain = semicolon < 0 ? segment : segment[..semicolon];
        foreach (var length in startLengths)
        {
            if (length <= segment.Length && Find(starts, segment[..length]) is { } start) start.Found(ref sink);
        }
        foreach (var start in globStarts)
        {
            if (start.Segment.DeniesStart(path)) start.Found(ref sink);
        }
        if (Find(literals, segment) is { } literal) literal.DeniesNext(path, slash, ref sink);
        if (semicolon >= 0 && Find(literals, plain) is { } stripped) stripped.DeniesNext(path, slash, ref sink);
        if (any is not null && segment.Length > 0) any.DeniesNext(path, slash, ref sink);
        foreach (var (glob, next) in globs)
        {
            if (glob.Denies(segment)) next.DeniesNext(path, slash, ref sink);
        }
    }

    private void PermitsNext<TSink>(ReadOnlySpan<char> path, int slash, ref TSink sink)
        where TSink : ISink, allows ref struct
    {
        if (slash >= 0) Permits(path[(slash + 1)..], ref sink);
        else foreach (var end in ends) sink.Found(end);
    }

    private void DeniesNext<TSink>(ReadOnlySpan<char> path, int slash, ref TSink sink)
        where TSink : ISink, allows ref struct
    {
        if (slash < 0 || slash == path.Length - 1)
        {
            foreach (var end in ends) sink.Found(end);
        }
        if (slash >= 0) Denies(path[(slash + 1)..], ref sink);
    }

    private StringComparer Comparer => denies ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    private static T? Find<T>(Dictionary<string, T>? known, ReadOnlySpan<char> text)
        where T : class
        => known is not null && known.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out var found) ? found : null;

    private RuleNode NextOf(PathSegment segment)
    {
        switch (segment.Kind)
        {
            case PathSegmentKind.Any:
                return any ??= new RuleNode(denies);
            case PathSegmentKind.Literal:
                literals ??= new Dictionary<string, RuleNode>(Comparer);
                if (!literals.TryGetValue(segment.Literal, out var next)) literals[segment.Literal] = next = new RuleNode(denies);
                return next;
            default:
                foreach (var (glob, known) in globs)
                {
                    if (glob.Glob!.IsSameAs(segment.Glob!)) return known;
                }
                var added = new RuleNode(denies);
                globs = [.. globs, (segment, added)];
                return added;
        }
    }

    private void AddStart(PathSegment segment, RuleGroup group)
    {
        if (segment.Kind != PathSegmentKind.Literal)
        {
            globStarts = [.. globStarts, new Start(segment, group)];
            return;
        }
        starts ??= new Dictionary<string, Start>(Comparer);
        if (starts.TryGetValue(segment.Literal, out var known)) known.Further.Add(group);
        else starts[segment.Literal] = new Start(segment, group);
        if (!startLengths.Contains(segment.Literal.Length)) startLengths = [.. startLengths, segment.Literal.Length];
    }

    private sealed record Start(PathSegment Segment, RuleGroup Group)
    {
        public List<RuleGroup> Further { get; } = [];

        public void Found<TSink>(ref TSink sink)
            where TSink : ISink, allows ref struct
        {
            sink.Found(Group);
            foreach (var further in Further) sink.Found(further);
        }
    }
}
