using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Text;

namespace WorkloadProxy.Policies.Roles;

/// <summary>A role's <c>credential</c>. Its texts are literal: what a caller says of itself must not choose the credential.</summary>
internal static class RoleCredentialReader
{
    private const int MaxMembers = 16;
    private const int MaxLength = 1024;

    /// <summary>Null when an error was reported.</summary>
    public static RoleCredential? Read(HclAttribute attribute, HclValue value, ICollection<Diagnostic> found)
    {
        var range = attribute.Expression.Range;
        if (value.Kind != HclValueKind.Object)
        {
            found.Add(RoleDiagnostics.BadCredential($"`credential` is {ValueText.Kind(value)}, expected an object of strings", range));
            return null;
        }
        var problem = value.Members.Count == 0 ? "`credential` is empty, expected at least one name with a string"
            : value.Members.Count > MaxMembers ? $"`credential` has {value.Members.Count} names, expected at most {MaxMembers}"
            : value.Members.Select(member => ProblemOf(member.Key, member.Value)).FirstOrDefault(one => one is not null);
        if (problem is null) return new RoleCredential(value.Members.Select(member => KeyValuePair.Create(member.Key, member.Value.AsString)));
        found.Add(RoleDiagnostics.BadCredential(problem, range));
        return null;
    }

    private static string? ProblemOf(string name, HclValue value)
    {
        if (name.Length is 0 or > 64 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
            return $"`{name}` in `credential` is not a name of letters, digits, `_` and `-`";
        if (value.Kind != HclValueKind.String) return $"`credential.{name}` is {ValueText.Kind(value)}, expected a string";
        var text = value.AsString;
        if (text.Length is 0 or > MaxLength || text.Any(char.IsControl))
            return $"`credential.{name}` is empty, longer than {MaxLength} characters or holds a control character";
        return text.Contains('{') || text.Contains('*')
            ? $"`credential.{name}` is `{text}`, expected literal text: patterns and claims are not replaced here" : null;
    }
}
