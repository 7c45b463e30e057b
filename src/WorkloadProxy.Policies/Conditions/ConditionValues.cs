using System.Runtime.InteropServices;
using System.Text.Json;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Conditions;

/// <summary>What a condition computes with: JSON, the time and the request as HCL values.</summary>
internal static class ConditionValues
{
    /// <summary>
    /// Used where there is no value to compute with: operators refuse it, and within a collection it is equal to nothing, not even to another of its kind.
    /// </summary>
    private static HclValue Unusable => HclValue.FromOpaque(new object());

    private static readonly HclValue NoMembers = HclValue.FromMembers([]);

    /// <summary>
    /// Never fails: a number that no HCL number can hold becomes one that every operator refuses. The document's depth is bounded where it was parsed.
    /// </summary>
    public static HclValue FromJson(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => HclValue.FromMembers(element.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, FromJson(member.Value)))),
        JsonValueKind.Array => HclValue.FromItems([.. element.EnumerateArray().Select(FromJson)]),
        JsonValueKind.String => HclValue.FromString(element.GetString()!),
        JsonValueKind.Number => HclNumber.TryParse(JsonMarshal.GetRawUtf8Value(element), out var number) ? HclValue.FromNumber(number) : Unusable,
        JsonValueKind.True => HclValue.True,
        JsonValueKind.False => HclValue.False,
        JsonValueKind.Null => HclValue.Null,
        _ => Unusable,
    };

    /// <summary>UTC; Monday is 1, Sunday 7.</summary>
    public static HclValue Now(DateTimeOffset now) => NowBy(now.ToUniversalTime());

    /// <summary>The same by a time zone's clocks.</summary>
    public static HclValue Now(DateTimeOffset now, TimeZoneInfo zone) => NowBy(TimeZoneInfo.ConvertTime(now, zone));

    private static HclValue NowBy(DateTimeOffset time)
    {
        return HclValue.FromMembers(
        [
            new("unix", HclValue.FromNumber(time.ToUnixTimeSeconds())),
            new("hour", HclValue.FromNumber(time.Hour)),
            new("weekday", HclValue.FromNumber(time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek)),
        ]);
    }

    public static HclValue Request(in ConditionInput input)
    {
        if (input.Server is { } server)
        {
            return HclValue.FromMembers(
            [
                new("server", HclValue.FromString(server)),
                new("method", HclValue.FromString(input.Method)),
                new("name", HclValue.FromString(input.Name ?? "")),
                new("arguments", input.Body ?? NoMembers),
            ]);
        }
        var query = new Dictionary<string, HclValue>(StringComparer.Ordinal);
        foreach (var (name, value) in input.Query ?? []) if (!query.TryAdd(name, HclValue.FromString(value))) query[name] = Unusable;
        return HclValue.FromMembers(
        [
            new("method", HclValue.FromString(input.Method)),
            new("path", HclValue.FromString(input.Path)),
            new("query", HclValue.FromMembers(query)),
            new("body", input.Body ?? NoMembers),
        ]);
    }
}
