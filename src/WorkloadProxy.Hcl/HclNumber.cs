namespace WorkloadProxy.Hcl;

/// <summary>An exact decimal number: 9007199254740993 is itself. Equal and ordered by value (1.0 = 1).</summary>
public readonly struct HclNumber : IEquatable<HclNumber>, IComparable<HclNumber>
{
    /// <summary>Reads decimal text as HCL and JSON write it (<c>-1.5e3</c>); false for anything else, over 100 digits, or an exponent beyond ±400.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out HclNumber number) => throw new NotImplementedException();
    /// <summary>Likewise, of UTF-8 text.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out HclNumber number) => throw new NotImplementedException();
    /// <summary>A whole number.</summary>
    public static implicit operator HclNumber(long value) => throw new NotImplementedException();
    /// <inheritdoc/>
    public bool Equals(HclNumber other) => throw new NotImplementedException();
    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is HclNumber other && Equals(other);
    /// <inheritdoc/>
    public override int GetHashCode() => throw new NotImplementedException();
    /// <inheritdoc/>
    public int CompareTo(HclNumber other) => throw new NotImplementedException();
    /// <summary>Plain decimal text, canonical.</summary>
    public override string ToString() => throw new NotImplementedException();
}
