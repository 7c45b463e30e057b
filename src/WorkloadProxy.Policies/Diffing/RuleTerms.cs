namespace WorkloadProxy.Policies.Diffing;

/// <summary>What a rule asks for besides what it is for, as text: rules of equal terms permit the same.</summary>
internal static class RuleTerms
{
    public static string Of(string? allowed, string? denied, DateTimeOffset? expires, string? when)
    {
        var parts = new List<string>();
        if (allowed is not null) parts.Add(allowed);
        if (denied is not null) parts.Add($"denied_parameters = {denied}");
        if (expires is { } end) parts.Add($"expires = \"{end:yyyy-MM-dd'T'HH:mm:ssK}\"");
        if (when is not null) parts.Add($"when = {when}");
        return string.Join("; ", parts);
    }
}
