using System.Collections.Immutable;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies.Sets;

namespace WorkloadProxy.Policies.Conditions;

/// <summary>The names that a <c>when</c> may use. A name that can't exist would make every evaluation fail, so it is an error when compiled.</summary>
internal static class ConditionNames
{
    private static readonly string[] OfNow = ["unix", "hour", "weekday"];
    private static readonly string[] OfRequest = ["method", "path", "query", "body"];
    private static readonly string[] OfMcp = ["server", "method", "name", "arguments"];

    public static void Check(ImmutableArray<HclReference> references, ConditionScope scope, SetLocals locals, ICollection<Diagnostic> diagnostics)
    {
        foreach (var reference in references)
        {
            switch (reference.Root)
            {
                case "claims": break;
                case SetLocals.Name when locals.Values.Members.Count > 0: CheckSteps(reference, [.. locals.Values.Members.Keys], scalars: [],
                    diagnostics); break;
                case "now": CheckSteps(reference, OfNow, scalars: OfNow, diagnostics); break;
                case "request" when scope == ConditionScope.Rule: CheckSteps(reference, OfRequest, scalars: ["method", "path"], diagnostics); break;
                case "request" when scope == ConditionScope.Mcp: CheckSteps(reference, OfMcp, scalars: ["server", "method", "name"], diagnostics); break;
                case "request": diagnostics.Add(ConditionDiagnostics.RequestInRole(reference.Range)); break;
                default:
                    string[] roots = scope == ConditionScope.Role ? ["claims", "now"] : ["claims", "now", "request"];
                    diagnostics.Add(ConditionDiagnostics.UnknownName(reference.Root, roots, reference.Range));
                    break;
            }
        }
    }

    private static void CheckSteps(HclReference reference, string[] known, string[] scalars, ICollection<Diagnostic> diagnostics)
    {
        if (reference.Steps.IsEmpty) return;
        if (!known.Contains(reference.Steps[0]))
            diagnostics.Add(ConditionDiagnostics.UnknownMember(reference.Root, reference.Steps[0], known, reference.Range));
        else if (reference.Steps.Length > 1 && scalars.Contains(reference.Steps[0]))
            diagnostics.Add(ConditionDiagnostics.NoMembers($"{reference.Root}.{reference.Steps[0]}", reference.Steps[1], reference.Range));
    }
}
