namespace WorkloadProxy.Hcl;

public readonly partial struct HclNumber
{
    // What arithmetic may give; a chain of products ends here, in an error.
    private const int MaxResultBits = 8192;
    private const int MaxResultExponent = 4096;

    private bool IsInRange => mantissa.GetBitLength() <= MaxResultBits && Math.Abs(exponent) <= MaxResultExponent;

    private static bool Result(HclNumber value, out HclNumber result)
    {
        result = value;
        return value.IsInRange;
    }

    // Whole numbers of up to so many bits are divided as they are: rounding to 512 bits can't reach the next integer.
    private const int MaxPlainBits = 200;

    private bool IsPlain => exponent == 0 && mantissa.GetBitLength() <= MaxPlainBits;

    /// <summary>What an operation costs, in evaluation steps.</summary>
    internal static int Cost(HclNumber a, HclNumber b, bool divides)
    {
        var length = a.TextLength + b.TextLength;
        return divides ? 100 + length * 4 : length / 8;
    }

    /// <summary>The sum; false if it is out of range.</summary>
    internal static bool TryAdd(HclNumber a, HclNumber b, out HclNumber sum)
    {
        var exponent = Math.Min(a.exponent, b.exponent);
        return Result(new HclNumber(a.Scaled(exponent) + b.Scaled(exponent), exponent), out sum);
    }

    /// <summary>The product; false if it is out of range.</summary>
    internal static bool TryMultiply(HclNumber a, HclNumber b, out HclNumber product) =>
        Result(new HclNumber(a.mantissa * b.mantissa, a.exponent + b.exponent), out product);

    /// <summary>The quotient by a number other than zero; false if it is out of range.</summary>
    internal static bool TryDivide(HclNumber a, HclNumber b, out HclNumber quotient)
    {
        if (a.IsPlain && b.IsPlain && (a.mantissa % b.mantissa).IsZero)
            return Result(new HclNumber(a.mantissa / b.mantissa, 0), out quotient);
        return TryFromBinary(BinaryFloat.Divide(a.ToBinary(), b.ToBinary()), out quotient);
    }

    /// <summary>
    /// What is left of <paramref name="a"/> after taking <paramref name="b"/>, which is not zero, as often as it goes; it has the sign of <paramref name="a"/>.
    /// </summary>
    internal static bool TryModulo(HclNumber a, HclNumber b, out HclNumber remainder)
    {
        if (a.IsPlain && b.IsPlain)
            return Result(new HclNumber(a.mantissa % b.mantissa, 0), out remainder);
        var (x, y) = (a.ToBinary(), b.ToBinary());
        return TryFromBinary(BinaryFloat.Subtract(x, BinaryFloat.Multiply(y, BinaryFloat.Divide(x, y).Truncate())), out remainder);
    }

    private BinaryFloat ToBinary() => BinaryFloat.FromDecimal(mantissa, exponent);

    private static bool TryFromBinary(BinaryFloat value, out HclNumber number)
    {
        var (mantissa, exponent) = value.ToShortestDecimal();
        return Result(new HclNumber(mantissa, exponent), out number);
    }
}
