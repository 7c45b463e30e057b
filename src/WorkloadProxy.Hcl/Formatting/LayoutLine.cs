using System.Text;

namespace WorkloadProxy.Hcl;

/// <summary>A line in three cells: what comes before the <c>=</c> of a whole assignment, from the <c>=</c> on, and a comment at its end.</summary>
internal sealed class LayoutLine
{
    private readonly string lead, assign;

    public LayoutLine(List<LayoutAtom> atoms)
    {
        NetBrackets = atoms.Sum(atom => atom.BracketChange);
        if (atoms.Count > 1 && atoms[^1].Kind == TokenKind.Comment)
        {
            Comment = atoms[^1].Text;
            atoms.RemoveAt(atoms.Count - 1);
        }
        var equal = atoms.FindIndex(atom => atom.Kind == TokenKind.Equal);
        // one whose value goes on below stands by itself
        Assign = equal > 0 && atoms[equal..].Sum(atom => atom.BracketChange) == 0 ? equal : 0;
        lead = Join(atoms, 0, Assign > 0 ? Assign : atoms.Count);
        assign = Assign > 0 ? Join(atoms, Assign, atoms.Count) : "";
        SpansLines = atoms.Any(atom => atom.Text.Contains('\n'));
    }

    public int Indent { get; set; }
    public int NetBrackets { get; }
    /// <summary>Which atom is the <c>=</c> of a whole assignment; 0 where there is none.</summary>
    public int Assign { get; }
    public string? Comment { get; }
    public bool SpansLines { get; }
    public int AssignPadding { get; set; }
    public int CommentPadding { get; set; }
    public int LeadWidth => Graphemes.Count(lead);
    public int CodeWidth => Indent + LeadWidth + (Assign > 0 ? AssignPadding + 1 + Graphemes.Count(assign) : 0);

    public void Write(StringBuilder text)
    {
        if (lead.Length > 0) text.Append(' ', Indent).Append(lead);
        if (Assign > 0) text.Append(' ', AssignPadding + 1).Append(assign);
        if (Comment is not null) text.Append(' ', CommentPadding + 1).Append(Comment);
        text.Append('\n');
    }

    private static string Join(List<LayoutAtom> atoms, int start, int end)
    {
        var text = new StringBuilder();
        for (var i = start; i < end; i++)
        {
            if (i > start && LayoutAtom.SpaceBetween(i > 1 ? atoms[i - 2] : null, atoms[i - 1], atoms[i])) text.Append(' ');
            text.Append(atoms[i].Text);
        }
        return text.ToString();
    }
}
