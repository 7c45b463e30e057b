using System.Buffers;
using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Roles;

namespace WorkloadProxy.Policies.Lints;

/// <summary>Warnings about roles for VMs: those under <c>droplet-roles/</c>.</summary>
internal static class DropletLints
{
    /// <summary>What a tag of the cloud's may hold, less the colon that separates.</summary>
    private static readonly SearchValues<char> nameCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>A VM's <c>sub</c> comes from its tag, so a role that wants another one never matches.</summary>
    public static void Check(AuthContext context, ImmutableArray<Role> roles, ICollection<Diagnostic> diagnostics)
    {
        var beginning = $"actx:{context.Id}:role:";
        foreach (var role in roles.Where(role => role is { IsDropletRole: true, IsOwn: true }))
        {
            if (role.Claims.FirstOrDefault(claim => claim.Name == "sub") is not { Texts: { Count: > 0 } subjects } constraint) continue;
            if (subjects.Any(subject => !subject.Pattern.IsLiteral || IsOfATag(subject.Pattern.LiteralPrefix, beginning))) continue;
            diagnostics.Add(RoleDiagnostics.UntaggableSubject(role.Name, constraint.Range));
        }
    }

    private static bool IsOfATag(string subject, string beginning) =>
        subject.StartsWith(beginning, StringComparison.Ordinal) && subject.Length > beginning.Length
        && !subject.AsSpan(beginning.Length).ContainsAnyExcept(nameCharacters);
}
