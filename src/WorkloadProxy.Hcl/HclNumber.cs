using System.Buffers;
using System.Globalization;
using System.Numerics;

namespace WorkloadProxy.Hcl;

/// <summary>
/// An exact decimal number: 9007199254740993 is itself. Equal and ordered by value (1.0 = 1). Sums, differences and products are exact; a quotient or remainder
/// is what 512 bits of binary mantissa give, written as the shortest decimal that stands for it, as in HashiCorp's library.
/// </summary>
public readonly partial struct HclNumber : IEquatable<HclNumber>, IComparable<HclNumber>
{
    /// <summary>The most digits of a number in a file.</summary>
    internal const int MaxDigits = 1000;

    /// <summary>The largest exponent of a number in a file, either way.</summary>
    internal const int MaxExponent = 1000;

    private const int MaxTextDigits = 100;
    private const int MaxTextExponent = 400;

    // value = mantissa × 10^exponent; the mantissa does not end in 0, and zero has exponent 0.
    private readonly BigInteger mantissa;
    private readonly int exponent;

    private HclNumber(BigInteger mantissa, int exponent)
    {
        if (mantissa.IsZero)
            exponent = 0;
        else if (mantissa.IsEven)
            TrimZeros(ref mantissa, ref exponent);
        this.mantissa = mantissa;
        this.exponent = exponent;
    }

    private static void TrimZeros(ref BigInteger mantissa, ref int exponent)
    {
        // By halving powers, so that a thousand zeros cost a dozen divisions; 2^n divides what 10^n divides, which is seen at once.
        var twos = (int)BigInteger.TrailingZeroCount(mantissa);
        for (var power = 1 << BitOperations.Log2((uint)twos); power > 0; power >>= 1)
        {
            while (twos >= power)
            {
                var quotient = BigInteger.DivRem(mantissa, BigInteger.Pow(10, power), out var remainder);
                if (!remainder.IsZero)
                    break;
                mantissa = quotient;
                exponent += power;
                twos -= power;
            }
        }
    }

    internal enum ParseResult
    {
        Number,
        Invalid,
        OutOfRange,
    }

    /// <summary>Reads decimal text as HCL and JSON write it (<c>-1.5e3</c>); false for anything else, over 100 digits, or an exponent beyond ±400.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out HclNumber number)
    {
        number = default;
        if (text.Length > 512)
            return false;
        Span<byte> bytes = stackalloc byte[512];
        return System.Text.Ascii.FromUtf16(text, bytes, out var length) == OperationStatus.Done && TryParse(bytes[..length], out number);
    }

    /// <summary>Likewise, of UTF-8 text.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out HclNumber number)
    {
        var digits = text.StartsWith("-"u8) ? text[1..] : text;
        // JSON wants digits on both sides of the dot.
        if (digits.IndexOf((byte)'.') is > 0 and var dot && (dot + 1 == digits.Length || !char.IsAsciiDigit((char)digits[dot + 1])))
        {
            number = default;
            return false;
        }
        var result = ParseUnsigned(digits, MaxTextDigits, MaxTextExponent, out number);
        if (digits.Length < text.Length)
            number = -number;
        return result == ParseResult.Number;
    }

    /// <summary>Reads a literal of a file.</summary>
    internal static ParseResult Parse(ReadOnlySpan<byte> text, out HclNumber number) => ParseUnsigned(text, MaxDigits, MaxExponent, out number);

    /// <summary>Reads what the library takes when it converts a string: also a plus sign, and no digits on one side of the dot.</summary>
    internal static bool TryConvert(string text, out HclNumber number)
    {
        number = default;
        if (text.Length > 2 * MaxDigits)
            return false;
        ReadOnlySpan<byte> bytes = System.Text.Encoding.UTF8.GetBytes(text);
        var negative = bytes.StartsWith("-"u8);
        if (negative || bytes.StartsWith("+"u8))
            bytes = bytes[1..];
        if (bytes.Length >= 2 && bytes[0] == '.' && char.IsAsciiDigit((char)bytes[1]))
            bytes = (byte[])[(byte)'0', .. bytes];
        if (Parse(bytes, out number) != ParseResult.Number)
            return false;
        if (negative)
            number = -number;
        return true;
    }

    /// <summary>Digits, a fraction, an exponent; the fraction may have no digits.</summary>
    private static ParseResult ParseUnsigned(ReadOnlySpan<byte> text, int maxDigits, int maxExponent, out HclNumber number)
    {
        number = default;
        var whole = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        whole = whole < 0 ? text.Length : whole;
        if (whole == 0)
            return ParseResult.Invalid;
        if (whole == text.Length && whole < 19)
        {
            long value = 0;
            foreach (var digit in text)
                value = value * 10 + (digit - '0');
            number = value;
            return ParseResult.Number;
        }
        var rest = text[whole..];
        ReadOnlySpan<byte> fraction = default;
        if (!rest.IsEmpty && rest[0] == '.')
        {
            var end = rest[1..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            fraction = end < 0 ? rest[1..] : rest.Slice(1, end);
            rest = rest[(1 + fraction.Length)..];
        }
        var exponent = 0;
        var outOfRange = whole + fraction.Length > maxDigits;
        if (!rest.IsEmpty)
        {
            if (rest[0] is not ((byte)'e' or (byte)'E'))
                return ParseResult.Invalid;
            rest = rest[1..];
            var negative = rest.StartsWith("-"u8);
            if (negative || rest.StartsWith("+"u8))
                rest = rest[1..];
            if (rest.IsEmpty || rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
                return ParseResult.Invalid;
            foreach (var digit in rest)
                exponent = Math.Min(exponent * 10 + (digit - '0'), 100_000);
            outOfRange |= exponent > maxExponent;
            if (negative)
                exponent = -exponent;
        }
        if (outOfRange)
            return ParseResult.OutOfRange;
        Span<char> digits = stackalloc char[whole + fraction.Length];
        System.Text.Ascii.ToUtf16(text[..whole], digits, out _);
        System.Text.Ascii.ToUtf16(fraction, digits[whole..], out _);
        number = new HclNumber(BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture), exponent - fraction.Length);
        return ParseResult.Number;
    }

    /// <summary>A whole number.</summary>
    public static implicit operator HclNumber(long value) => new(value, 0);

    /// <summary>The negative.</summary>
    public static HclNumber operator -(HclNumber number) => new(-number.mantissa, number.exponent);

    /// <summary>−1, 0 or 1.</summary>
    public int Sign => mantissa.Sign;

    /// <summary>Whether it has no fraction.</summary>
    public bool IsWhole => exponent >= 0;

    /// <summary>The number as a 64-bit integer, if it is one.</summary>
    public bool TryGetInt64(out long value)
    {
        value = 0;
        if (exponent is < 0 or > 18)
            return false;
        var whole = mantissa * BigInteger.Pow(10, exponent);
        if (whole < long.MinValue || whole > long.MaxValue)
            return false;
        value = (long)whole;
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(HclNumber other) => exponent == other.exponent && mantissa == other.mantissa;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is HclNumber other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(mantissa, exponent);

    /// <inheritdoc/>
    public int CompareTo(HclNumber other)
    {
        if (exponent == other.exponent || mantissa.Sign != other.mantissa.Sign)
            return mantissa.CompareTo(other.mantissa);
        var smallest = Math.Min(exponent, other.exponent);
        return Scaled(smallest).CompareTo(other.Scaled(smallest));
    }

    private BigInteger Scaled(int toExponent) => exponent == toExponent ? mantissa : mantissa * BigInteger.Pow(10, exponent - toExponent);

    /// <summary>About how many characters <see cref="ToString"/> gives.</summary>
    internal int TextLength => (int)(mantissa.GetBitLength() * 302 / 1000) + 2 + Math.Abs(exponent);

    /// <summary>Plain decimal text, canonical.</summary>
    public override string ToString()
    {
        var digits = BigInteger.Abs(mantissa).ToString(CultureInfo.InvariantCulture);
        var sign = mantissa.Sign < 0 ? "-" : "";
        if (exponent >= 0)
            return sign + digits + new string('0', exponent);
        var point = digits.Length + exponent;
        return point > 0 ? $"{sign}{digits.AsSpan(0, point)}.{digits.AsSpan(point)}" : $"{sign}0.{new string('0', -point)}{digits}";
    }
}
