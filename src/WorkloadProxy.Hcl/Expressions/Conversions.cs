namespace WorkloadProxy.Hcl;

/// <summary>The conversions that operators, templates and keys do on their own; null converts to nothing here.</summary>
internal static class Conversions
{
    public static bool TryString(HclValue value, out string text)
    {
        text = value.Kind switch
        {
            HclValueKind.String => value.AsString,
            HclValueKind.Number => value.AsNumber.ToString(),
            HclValueKind.Bool => value.AsBool ? "true" : "false",
            _ => "",
        };
        return value.Kind is HclValueKind.String or HclValueKind.Number or HclValueKind.Bool;
    }

    public static bool TryNumber(HclValue value, out HclNumber number)
    {
        number = default;
        if (value.Kind == HclValueKind.String)
            return HclNumber.TryConvert(value.AsString, out number);
        if (value.Kind != HclValueKind.Number)
            return false;
        number = value.AsNumber;
        return true;
    }

    public static bool TryBool(HclValue value, out bool boolean)
    {
        boolean = value switch
        {
            { Kind: HclValueKind.Bool } => value.AsBool,
            { Kind: HclValueKind.String } => value.AsString is "true" or "1",
            _ => false,
        };
        return value.Kind == HclValueKind.Bool || (value.Kind == HclValueKind.String && value.AsString is "true" or "1" or "false" or "0");
    }
}
