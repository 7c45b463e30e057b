using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Roles;

/// <summary>A block that a file may hold once, without labels and without blocks in it: <c>locals</c>, <c>defaults</c>.</summary>
internal static class SingleBlock
{
    /// <summary>
    /// The attributes of the first block of <paramref name="type"/>; whatever it may not hold, and every further such block, is told to
    /// <paramref name="diagnostics"/>.
    /// </summary>
    public static IEnumerable<HclAttribute> AttributesOf(HclFile file, string type, ICollection<Diagnostic> diagnostics)
    {
        var blocks = file.Body.Blocks.Where(block => block.Type == type).ToList();
        foreach (var second in blocks.Skip(1)) diagnostics.Add(RoleDiagnostics.SecondBlock(type, blocks[0].TypeRange, second.TypeRange));
        if (blocks is not [var only, ..]) return [];
        if (only.Labels.Length > 0) diagnostics.Add(RoleDiagnostics.Unlabelled(type, only.Labels[0].Range));
        foreach (var nested in only.Body.Blocks) diagnostics.Add(RoleDiagnostics.NestedBlock(nested.Type, type, nested.TypeRange));
        return only.Body.Attributes;
    }
}
