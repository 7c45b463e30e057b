using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Roles;

/// <summary>A block with a name and attributes, without blocks in it: <c>role</c>, <c>test</c>.</summary>
internal static class NamedBlock
{
    /// <summary>Its name, empty if it has none; what is wrong with the name, and each block inside, is told to <paramref name="diagnostics"/>.</summary>
    public static string NameOf(HclBlock block, ICollection<Diagnostic> diagnostics)
    {
        var label = block.Labels is [var only] ? only : null;
        if (label is null) diagnostics.Add(RoleDiagnostics.Labels(block.Type, block.Labels.Length, block.TypeRange));
        else if (label.Value.Length == 0 || label.Value.Any(char.IsControl)) diagnostics.Add(RoleDiagnostics.BadName(block.Type, label.Range));
        foreach (var nested in block.Body.Blocks) diagnostics.Add(RoleDiagnostics.NestedBlock(nested.Type, block.Type, nested.TypeRange));
        return label?.Value ?? "";
    }
}
