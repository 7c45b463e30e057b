using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Parameters;

/// <summary>Numbers as a lenient upstream might read them (<c>" +05 "</c>, a JSON string <c>"5"</c>): for refusals only.</summary>
internal static class LooseNumber
{
    public static bool TryRead(in ParameterValue value, out HclNumber number)
    {
        number = default;
        if (value.ScalarText is not { } scalar) return false;
        var text = scalar.AsSpan().Trim();
        var negative = text.StartsWith('-');
        if (negative || text.StartsWith('+')) text = text[1..];
        while (text.Length > 1 && text[0] == '0' && text[1] is >= '0' and <= '9') text = text[1..];
        if (text.StartsWith('.')) return HclNumber.TryParse(string.Concat(negative ? "-0" : "0", text), out number);
        return HclNumber.TryParse(negative ? string.Concat("-", text) : text, out number);
    }
}
