using System.Collections.Immutable;

namespace WorkloadProxy.Hcl;

/// <summary>Matches the directives of a template: pieces → expressions.</summary>
internal sealed class TemplateTree(List<TemplatePart> parts, int depth, DiagnosticList diagnostics)
{
    private int next;
    private int level = depth;

    public ImmutableArray<HclExpression> Build()
    {
        var result = ImmutableArray.CreateBuilder<HclExpression>();
        while (parts[next].Kind != TemplatePartKind.End)
            result.Add(Part());
        return result.DrainToImmutable();
    }

    private HclExpression Part()
    {
        var part = parts[next++];
        switch (part.Kind)
        {
            case TemplatePartKind.Text:
                return new HclLiteralExpression(HclValue.FromString(Normalization.Compose(part.Text)), part.Range);
            case TemplatePartKind.Interpolation:
                return part.Expression!;
            case TemplatePartKind.If or TemplatePartKind.For when ++level > HclParser.MaxDepth:
                diagnostics.Close(SyntaxErrors.NestingTooDeep(HclParser.MaxDepth, part.Range));
                next = parts.Count - 1;
                return new HclInvalidExpression(part.Range);
            case TemplatePartKind.If or TemplatePartKind.For:
                var result = part.Kind == TemplatePartKind.If ? If(part) : For(part);
                level--;
                return result;
            default:
                diagnostics.Add(SyntaxErrors.UnexpectedDirective(part.Name, "which closes nothing", part.Range));
                return new HclInvalidExpression(part.Range);
        }
    }

    private HclExpression If(TemplatePart open)
    {
        var whenTrue = ImmutableArray.CreateBuilder<HclExpression>();
        var whenFalse = ImmutableArray.CreateBuilder<HclExpression>();
        var current = whenTrue;
        while (true)
        {
            var part = parts[next];
            switch (part.Kind)
            {
                case TemplatePartKind.End:
                    diagnostics.Add(SyntaxErrors.TemplateEnd("if", open.Range, part.Range));
                    return new HclInvalidExpression(part.Range);
                case TemplatePartKind.Else when current == whenTrue:
                    next++;
                    current = whenFalse;
                    continue;
                case TemplatePartKind.EndIf:
                    next++;
                    return new HclConditionalExpression(
                        open.Expression!,
                        Content(whenTrue, open.Range with { Start = open.Range.End }),
                        Content(whenFalse, part.Range with { End = part.Range.Start }),
                        open.Range with { End = part.Range.End });
                case TemplatePartKind.Else or TemplatePartKind.EndFor:
                    next++;
                    diagnostics.Add(SyntaxErrors.UnexpectedDirective(part.Name, $"but expected `%{{endif}}` for the `%{{if}}` in line {open.Range.Start.Line}",
                        part.Range));
                    return new HclInvalidExpression(part.Range);
                default:
                    current.Add(Part());
                    break;
            }
        }
    }

    private HclExpression For(TemplatePart open)
    {
        var content = ImmutableArray.CreateBuilder<HclExpression>();
        while (true)
        {
            var part = parts[next];
            switch (part.Kind)
            {
                case TemplatePartKind.End:
                    diagnostics.Add(SyntaxErrors.TemplateEnd("for", open.Range, part.Range));
                    return new HclInvalidExpression(part.Range);
                case TemplatePartKind.EndFor:
                    next++;
                    var range = open.Range with { End = part.Range.End };
                    var body = Content(content, open.Range with { Start = open.Range.End });
                    return new HclTemplateJoinExpression(new HclForExpression(open.KeyName, open.ValueName, open.Expression!, null, body, null, false,
                        range), range);
                case TemplatePartKind.Else or TemplatePartKind.EndIf:
                    next++;
                    diagnostics.Add(SyntaxErrors.UnexpectedDirective(part.Name,
                        $"but expected `%{{endfor}}` for the `%{{for}}` in line {open.Range.Start.Line}", part.Range));
                    return new HclInvalidExpression(part.Range);
                default:
                    content.Add(Part());
                    break;
            }
        }
    }

    private static HclTemplateExpression Content(ImmutableArray<HclExpression>.Builder parts, SourceRange empty)
    {
        if (parts.Count == 0)
            parts.Add(new HclLiteralExpression(HclValue.FromString(""), empty));
        var (first, last) = (parts[0].Range, parts[^1].Range);
        return new HclTemplateExpression(parts.DrainToImmutable(), first with { End = last.End });
    }
}
