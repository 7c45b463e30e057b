using System.Numerics;
using System.Text;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Protobuf;

/// <summary>
/// A message written down as an object with numbers of fields for names, as a policy's test does; whole numbers and bools become varints, lists repeated
/// fields.
/// </summary>
internal static class ProtobufText
{
    public static bool IsMessage(HclValue value) =>
        value.Kind == HclValueKind.Object && value.Members.Count > 0 && value.Members.Keys.All(name => ProtobufNames.NumberOf(name) > 0);

    /// <summary>Null, with the member that no field can hold, when the object is not a message.</summary>
    public static byte[]? Write(HclValue message, out string? unfit)
    {
        using var output = new MemoryStream();
        unfit = message.Members.Keys.FirstOrDefault(name => ProtobufNames.NumberOf(name) == 0);
        foreach (var (name, value) in message.Members)
        {
            foreach (var item in value.Kind == HclValueKind.Tuple ? value.Items : [value])
            {
                if (unfit is null && !TryWrite(output, ProtobufNames.NumberOf(name), item, out var inner)) unfit = inner is null ? name : $"{name}.{inner}";
            }
        }
        return unfit is null ? output.ToArray() : null;
    }

    private static bool TryWrite(MemoryStream output, int number, HclValue value, out string? inner)
    {
        inner = null;
        switch (value.Kind)
        {
            case HclValueKind.String:
                return Bytes(Encoding.UTF8.GetBytes(value.AsString));
            case HclValueKind.Bool:
                return Varint(value.AsBool ? 1ul : 0ul);
            case HclValueKind.Number:
                if (!BigInteger.TryParse(value.AsNumber.ToString(), out var whole) || whole < long.MinValue || whole > ulong.MaxValue) return false;
                return Varint(whole < 0 ? (ulong)(long)whole : (ulong)whole);
            case HclValueKind.Object:
                return Write(value, out inner) is { } message && Bytes(message);
            default:
                return false;
        }

        bool Varint(ulong content)
        {
            Put(output, (ulong)number << 3);
            Put(output, content);
            return true;
        }

        bool Bytes(byte[] content)
        {
            Put(output, ((ulong)number << 3) | 2);
            Put(output, (ulong)content.Length);
            output.Write(content);
            return true;
        }
    }

    private static void Put(MemoryStream output, ulong value)
    {
        for (; value >= 0x80; value >>= 7) output.WriteByte((byte)(value | 0x80));
        output.WriteByte((byte)value);
    }
}
