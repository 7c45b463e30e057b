namespace WorkloadProxy.Hcl;

/// <summary>Text → syntax tree.</summary>
public static class HclParser
{
    /// <summary>Parses a whole file; never throws for what is in it, whatever it is.</summary>
    public static HclFile Parse(string fileName, ReadOnlyMemory<byte> source) => throw new NotImplementedException();
}
