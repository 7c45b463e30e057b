using System.Text;
using System.Text.Json;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Parameters;

namespace WorkloadProxy.Policies.Protobuf;

/// <summary>
/// JSON to a service that speaks protobuf: a receiver takes <c>projectId</c> and <c>project_id</c> for one field, and whichever comes last. So neither may come
/// beside the other, nor in the place of the one that a rule names.
/// </summary>
internal static class ProtobufSpelling
{
    /// <summary>The first name that could be taken for another; null when none can.</summary>
    public static Mismatch? Check(JsonElement json, IReadOnlyDictionary<string, HashSet<string>> listed, StepBudget? steps)
    {
        if (json.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in json.EnumerateArray())
            {
                if (Check(item, listed, steps) is { } inItem) return inItem;
            }
        }
        if (json.ValueKind != JsonValueKind.Object) return null;
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in json.EnumerateObject())
        {
            if (steps?.Take(1) == false) return new Mismatch(MismatchKind.Value);
            var folded = Fold(member.Name);
            if (!seen.TryAdd(folded, member.Name)) return new Mismatch(MismatchKind.Ambiguous, member.Name, Detail: $"is given in two spellings");
            if (listed.TryGetValue(folded, out var names) && !names.Contains(member.Name))
                return new Mismatch(MismatchKind.Ambiguous, member.Name, Detail: "is another spelling of a name that a rule lists");
            if (Check(member.Value, listed, steps) is { } mismatch) return mismatch.Under(member.Name);
        }
        return null;
    }

    /// <summary>All names of a body that rules list, at every depth.</summary>
    public static IReadOnlyDictionary<string, HashSet<string>> Listed(IEnumerable<PolicyRule> rules)
    {
        var listed = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var rule in rules)
        {
            if (rule.Allowed?.Body is { IsProtobuf: false } body) Add(body);
            foreach (var (name, values) in rule.Denied?.Body.Values ?? new Dictionary<string, System.Collections.Immutable.ImmutableArray<ValueConstraint>>())
            {
                Name(name);
                foreach (var value in values) Add(value);
            }
        }
        return listed;

        void Name(string name)
        {
            if (!listed.TryGetValue(Fold(name), out var names)) listed[Fold(name)] = names = new(StringComparer.Ordinal);
            names.Add(name);
        }

        void Add(ValueConstraint constraint)
        {
            switch (constraint)
            {
                case ObjectConstraint members:
                    foreach (var member in members.Members)
                    {
                        Name(member.Name);
                        Add(member.Value);
                    }
                    break;
                case ListConstraint list:
                    foreach (var item in list.Items) Add(item);
                    break;
                case ItemsConstraint { Elements: { } elements }:
                    Add(elements);
                    break;
            }
        }
    }

    private static string Fold(string name)
    {
        var folded = SameName.Fold(name);
        return folded.Contains('_') ? new StringBuilder(folded).Replace("_", "").ToString() : folded;
    }
}
