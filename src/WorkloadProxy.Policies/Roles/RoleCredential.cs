using System.Collections.Immutable;
using System.Text.Json;

namespace WorkloadProxy.Policies;

/// <summary>
/// What a role says of the credential that its requests go out with (<c>credential = { project = "proj-a" }</c>): names and literal texts, for the
/// configuration's <c>Credentials</c> to be picked by and filled in with. Two are equal when all of their members are.
/// </summary>
public sealed class RoleCredential : IEquatable<RoleCredential>
{
    internal RoleCredential(IEnumerable<KeyValuePair<string, string>> members)
    {
        Members = members.ToImmutableSortedDictionary(StringComparer.Ordinal);
        Text = JsonSerializer.Serialize(Members);
    }

    /// <summary>In the order of their names.</summary>
    public ImmutableSortedDictionary<string, string> Members { get; }

    /// <summary>All of it as one text, the same for equal credentials.</summary>
    public string Text { get; }

    /// <inheritdoc/>
    public bool Equals(RoleCredential? other) => Text == other?.Text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RoleCredential);

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);
}
