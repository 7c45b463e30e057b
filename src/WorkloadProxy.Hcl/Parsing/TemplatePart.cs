namespace WorkloadProxy.Hcl;

internal enum TemplatePartKind : byte
{
    Text,
    Interpolation,
    If,
    Else,
    EndIf,
    For,
    EndFor,
    End,
}

/// <summary>One piece of a template, before the directives are matched. No two texts stand in a row.</summary>
internal sealed class TemplatePart(TemplatePartKind kind, SourceRange range)
{
    public TemplatePartKind Kind { get; } = kind;
    public SourceRange Range { get; set; } = range;

    /// <summary>Of a text.</summary>
    public string Text { get; set; } = "";

    /// <summary>Of an interpolation its value, of <c>if</c> the condition, of <c>for</c> the collection.</summary>
    public HclExpression? Expression { get; init; }

    public string? KeyName { get; init; }
    public string ValueName { get; init; } = "";

    public string Name => Kind switch
    {
        TemplatePartKind.If => "if",
        TemplatePartKind.Else => "else",
        TemplatePartKind.EndIf => "endif",
        TemplatePartKind.For => "for",
        _ => "endfor",
    };
}
