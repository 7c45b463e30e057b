using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Deciding;
using WorkloadProxy.Policies.Parameters;

namespace WorkloadProxy.Policies.Protobuf;

/// <summary>
/// A message against a rule. A message doesn't tell what its fields are: the rule does, and a value that is written as something else is refused. Of a field
/// that occurs several times every occurrence must be permitted, for a receiver takes the last, or all. In one pass, and without allocating for what is
/// permitted.
/// </summary>
internal static class ProtobufCheck
{
    private const int MostOnStack = 64;
    private const int ShortText = 256;
    private const int LongestForRegex = 4 * 1024;
    private static readonly Mismatch notPermitted = new(MismatchKind.Value);

    /// <summary>Null when the message is permitted.</summary>
    public static Mismatch? Check(ObjectConstraint constraint, ReadOnlySpan<byte> message, Claims claims, StepBudget? steps, int depth = 0)
    {
        if (depth >= RequestBody.MaxDepth) return Faulty($"is nested deeper than {RequestBody.MaxDepth}");
        var members = constraint.Members;
        var counts = members.Length <= MostOnStack ? stackalloc int[MostOnStack] : new int[members.Length];
        var failures = members.Length <= MostOnStack ? stackalloc bool[MostOnStack] : new bool[members.Length];
        var reader = new ProtobufReader(message);
        Mismatch? first = null;
        while (reader.TryRead(out var field))
        {
            if (steps?.Take(1) == false) return notPermitted;
            var place = constraint.FieldNumbers.IndexOf(field.Number);
            if (place < 0)
            {
                if (!constraint.OthersPermitted) first ??= new Mismatch(MismatchKind.Unlisted, $"#{field.Number}");
                continue;
            }
            var count = 1;
            var mismatch = field.Type == WireType.Bytes && members[place].Value is ItemsConstraint { HasPackable: true, Elements: { } elements }
                ? CheckPacked(elements, field.Bytes, claims, steps, out count)
                : Check(members[place].Value, field, claims, steps, depth);
            counts[place] += count;
            if (mismatch is null) continue;
            // what no reader can read is 400, whatever else is wrong
            if (first is null || (mismatch.Kind == MismatchKind.Ambiguous && first.Kind != MismatchKind.Ambiguous)) first = mismatch.Under(members[place].Name);
            failures[place] = true;
        }
        if (reader.Fault is { } fault) return Faulty($"is not a protobuf message: {fault}");
        var satisfied = 0;
        for (var i = 0; i < members.Length; i++)
        {
            var missing = counts[i] == 0 && !members[i].IsOptional;
            var miscounted = counts[i] > 0 && members[i].Value is ItemsConstraint items && (counts[i] < items.Min || counts[i] > items.Max);
            if (missing || miscounted) first ??= new Mismatch(missing ? MismatchKind.Missing : MismatchKind.Value, members[i].Name);
            else if (!failures[i]) satisfied++;
        }
        return first is null ? null : first with { Satisfied = satisfied };
    }

    /// <summary>Null when nothing in the message is denied.</summary>
    public static Mismatch? Check(DeniedNames denied, ReadOnlySpan<byte> message, Claims claims, StepBudget? steps)
    {
        var reader = new ProtobufReader(message);
        while (reader.TryRead(out var field))
        {
            if (steps?.Take(1) == false || denied.Every || (denied.Fields.TryGetValue(field.Number, out var values) && Refuses(values, field, claims, steps)))
                return new Mismatch(MismatchKind.Denied, $"#{field.Number}");
        }
        return reader.Fault is { } fault ? Faulty($"is not a protobuf message: {fault}") : null;
    }

    private static Mismatch? Check(ValueConstraint constraint, in ProtobufField field, Claims claims, StepBudget? steps, int depth)
    {
        switch (constraint)
        {
            case AnyConstraint:
                return null;
            case ObjectConstraint members:
                return field.Type == WireType.Bytes ? Check(members, field.Bytes, claims, steps, depth + 1) : notPermitted;
            case ItemsConstraint items:
                return items.Elements is null ? null : Check(items.Elements, field, claims, steps, depth);
            case ListConstraint list:
                return CheckAny(list.Items, field, claims, steps, depth);
            default:
                return IsScalar(constraint, field, claims, steps) ? null : notPermitted;
        }
    }

    /// <summary>
    /// Numbers or bools in one field, as proto3 writes repeated ones. Only where the rule says that the field is a list: a receiver of a single number skips
    /// such a field, and would read its default.
    /// </summary>
    private static Mismatch? CheckPacked(ListConstraint elements, ReadOnlySpan<byte> packed, Claims claims, StepBudget? steps, out int count)
    {
        count = 0;
        var reader = new ProtobufReader(packed);
        while (reader.TryReadElement(out var value))
        {
            count++;
            if (steps?.Take(1) == false || CheckAny(elements.Items, new ProtobufField(0, WireType.Varint, value, default), claims, steps, 0) is not null)
                return notPermitted;
        }
        return reader.Fault is null ? null : notPermitted;
    }

    private static Mismatch? CheckAny(ImmutableArray<ValueConstraint> items, in ProtobufField field, Claims claims, StepBudget? steps, int depth)
    {
        var closest = notPermitted;
        foreach (var item in items)
        {
            if (steps?.Take(1) == false) return notPermitted;
            if (Check(item, field, claims, steps, depth) is not { } mismatch) return null;
            if (mismatch.Satisfied > closest.Satisfied || (closest.Path.Length == 0 && mismatch.Path.Length > 0)
                || (items.Length == 1 && mismatch.Kind == MismatchKind.Ambiguous))
                closest = mismatch;
        }
        return closest;
    }

    private static bool IsScalar(ValueConstraint constraint, in ProtobufField field, Claims claims, StepBudget? steps) => (constraint, field.Type) switch
    {
        (TextConstraint or RegexConstraint, WireType.Bytes) => MatchesText(constraint, field.Bytes, claims, steps),
        (BoolConstraint flag, WireType.Varint) => field.Value == (flag.Bool ? 1u : 0u),
        (NumberConstraint number, WireType.Varint) => Unsigned(field.Value).Equals(number.Number) || Signed(field.Value).Equals(number.Number),
        (RangeConstraint range, WireType.Varint) => Holds(range, field.Value),
        _ => false,
    };

    /// <summary>
    /// Only what a range holds in each reading that the field's type leaves open: a receiver of 32 bits cuts a longer varint, and a negative one is a great
    /// unsigned number, unless the range itself begins below zero.
    /// </summary>
    private static bool Holds(RangeConstraint range, ulong value)
    {
        var isSigned = range.Min is { } least && least.CompareTo(0) < 0;
        if (isSigned ? !range.Holds(Signed(value)) : !range.Holds(Unsigned(value))) return false;
        return range.Max is not null || value <= int.MaxValue || (isSigned && (long)value == (int)value)
            || (range.Holds((int)value) && range.Holds((uint)value) && range.Holds(Signed(value)));
    }

    private static bool MatchesText(ValueConstraint constraint, ReadOnlySpan<byte> bytes, Claims claims, StepBudget? steps)
    {
        if (!Utf8.IsValid(bytes)) return false;
        if (constraint is RegexConstraint regex)
            return bytes.Length <= LongestForRegex && steps?.Take(bytes.Length) != false
                && Encoding.UTF8.GetString(bytes) is { Length: <= LongestForRegex } value && regex.Regex.IsMatch(value);
        if (((TextConstraint)constraint).Pattern.Bind(claims) is not { } pattern || steps?.Take(bytes.Length / 64) == false) return false;
        if (bytes.Length > ShortText) return pattern.Matches(Encoding.UTF8.GetString(bytes));
        Span<char> text = stackalloc char[ShortText];
        return Utf8.ToUtf16(bytes, text, out _, out var length, replaceInvalidSequences: false) == OperationStatus.Done && pattern.Matches(text[..length]);
    }

    private static bool Refuses(ImmutableArray<ValueConstraint> values, in ProtobufField field, Claims claims, StepBudget? steps)
    {
        if (values.IsEmpty) return true;
        foreach (var value in values)
        {
            if (steps?.Take(1) == false || Refuses(value, field, claims, steps)) return true;
        }
        return false;
    }

    /// <summary>Wider than what permits: a value that is written as something else than the rule expects may be a packed list, or anything.</summary>
    private static bool Refuses(ValueConstraint constraint, in ProtobufField field, Claims claims, StepBudget? steps) => constraint switch
    {
        ListConstraint list => Refuses(list.Items, field, claims, steps),
        TextConstraint text => field.Type != WireType.Bytes || !Utf8.IsValid(field.Bytes) || text.Pattern.Bind(claims) is null
            || MatchesText(text, field.Bytes, claims, steps),
        RegexConstraint => field.Type != WireType.Bytes || !Utf8.IsValid(field.Bytes) || field.Bytes.Length > LongestForRegex
            || MatchesText(constraint, field.Bytes, claims, steps),
        BoolConstraint flag => field.Type != WireType.Varint || (field.Value != 0) == flag.Bool,
        NumberConstraint number => field.Type != WireType.Varint || AnyReading(field.Value, number.Number.Equals),
        RangeConstraint range => field.Type != WireType.Varint || AnyReading(field.Value, range.Holds),
        ObjectConstraint members => field.Type != WireType.Bytes || Check(members, field.Bytes, claims, steps) is null or { Kind: MismatchKind.Ambiguous },
        _ => true,
    };

    private static bool AnyReading(ulong value, Func<HclNumber, bool> holds) =>
        holds(Unsigned(value)) || holds(Signed(value)) || holds((int)value) || holds((uint)value);

    private static HclNumber Signed(ulong value) => (long)value;

    private static HclNumber Unsigned(ulong value)
    {
        if (value <= long.MaxValue) return (long)value;
        Span<byte> digits = stackalloc byte[20];
        value.TryFormat(digits, out var length);
        return HclNumber.TryParse(digits[..length], out var number) ? number : throw new InvalidOperationException("twenty digits are a number");
    }

    private static Mismatch Faulty(string what) => new(MismatchKind.Ambiguous, Detail: what);
}
