using System.Globalization;
using System.Numerics;

namespace WorkloadProxy.Hcl;

/// <summary>
/// A binary floating-point number of 512 bits, rounded to nearest even: what the division of HashiCorp's library works with. value = mantissa × 2^exponent.
/// </summary>
internal readonly struct BinaryFloat
{
    private const int Precision = 512;

    private readonly BigInteger mantissa;
    private readonly int exponent;

    private BinaryFloat(BigInteger mantissa, int exponent, bool inexact = false)
    {
        var magnitude = BigInteger.Abs(mantissa);
        var excess = (int)magnitude.GetBitLength() - Precision;
        if (excess > 0)
        {
            var kept = magnitude >> excess;
            var rest = magnitude - (kept << excess);
            var comparison = rest.CompareTo(BigInteger.One << (excess - 1));
            if (comparison > 0 || (comparison == 0 && (inexact || !kept.IsEven)))
                kept += 1;
            magnitude = kept;
            exponent += excess;
        }
        this.mantissa = mantissa.Sign < 0 ? -magnitude : magnitude;
        this.exponent = exponent;
    }

    public static BinaryFloat FromDecimal(BigInteger mantissa, int exponent) =>
        exponent >= 0 ? new BinaryFloat(mantissa * BigInteger.Pow(10, exponent), 0) : Quotient(mantissa, BigInteger.Pow(10, -exponent), 0);

    public static BinaryFloat Divide(BinaryFloat a, BinaryFloat b) => Quotient(a.mantissa, b.mantissa, a.exponent - b.exponent);

    public static BinaryFloat Multiply(BinaryFloat a, BinaryFloat b) => new(a.mantissa * b.mantissa, a.exponent + b.exponent);

    public static BinaryFloat Subtract(BinaryFloat a, BinaryFloat b)
    {
        var exponent = Math.Min(a.exponent, b.exponent);
        return new BinaryFloat((a.mantissa << (a.exponent - exponent)) - (b.mantissa << (b.exponent - exponent)), exponent);
    }

    public BinaryFloat Truncate() => exponent >= 0 ? this : new BinaryFloat(mantissa.Sign * (BigInteger.Abs(mantissa) >> -exponent), 0);

    private static BinaryFloat Quotient(BigInteger numerator, BigInteger denominator, int exponent)
    {
        // Two bits more than are kept, so that the remainder only decides a tie.
        var shift = Math.Max(0, Precision + 2 - (int)(BigInteger.Abs(numerator).GetBitLength() - BigInteger.Abs(denominator).GetBitLength()));
        var quotient = BigInteger.DivRem(numerator << shift, denominator, out var remainder);
        return new BinaryFloat(quotient, exponent - shift, !remainder.IsZero);
    }

    /// <summary>The decimal of the fewest digits that rounds to this number.</summary>
    public (BigInteger Mantissa, int Exponent) ToShortestDecimal()
    {
        if (mantissa.IsZero)
            return (0, 0);
        // A full mantissa and one bit more: its neighbours are the bounds of what rounds to it.
        var magnitude = BigInteger.Abs(mantissa);
        var pad = Precision + 1 - (int)magnitude.GetBitLength();
        magnitude <<= pad;
        var binaryExponent = exponent - pad;
        var inclusive = (magnitude >> 1).IsEven;
        var scale = binaryExponent >= 0 ? BigInteger.One << binaryExponent : BigInteger.Pow(5, -binaryExponent);
        var decimalExponent = Math.Min(binaryExponent, 0);
        var value = Digits(magnitude * scale);
        var lower = Digits((magnitude - 1) * scale).PadLeft(value.Length, '0');
        var upper = Digits((magnitude + 1) * scale);
        if (upper.Length > value.Length)
        {
            value = value.PadLeft(upper.Length, '0');
            lower = lower.PadLeft(upper.Length, '0');
        }
        for (var i = 0; i < value.Length; i++)
        {
            // Cut off behind this digit, or cut off and one added: is it still within the bounds?
            var down = lower[i] != value[i] || (inclusive && lower.AsSpan(i + 1).IndexOfAnyExcept('0') < 0);
            var up = value[i] != upper[i] && (inclusive || value[i] + 1 < upper[i] || upper.AsSpan(i + 1).IndexOfAnyExcept('0') >= 0);
            if (!down && !up)
                continue;
            var cut = BigInteger.Parse(value.AsSpan(0, i + 1), NumberStyles.None, CultureInfo.InvariantCulture);
            if (up && (!down || RoundsUp(value, i + 1)))
                cut += 1;
            return (mantissa.Sign * cut, decimalExponent + value.Length - i - 1);
        }
        return (mantissa.Sign * BigInteger.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture), decimalExponent);
    }

    private static bool RoundsUp(string digits, int length)
    {
        if (length >= digits.Length)
            return false;
        var exactlyHalf = digits[length] == '5' && digits.AsSpan(length + 1).IndexOfAnyExcept('0') < 0;
        return exactlyHalf ? length > 0 && (digits[length - 1] - '0') % 2 != 0 : digits[length] >= '5';
    }

    private static string Digits(BigInteger value) => value.ToString(CultureInfo.InvariantCulture);
}
