using System.Text;
using System.Text.Unicode;
using WorkloadProxy.Policies.Protobuf;

namespace WorkloadProxy.Policies;

/// <summary>A protobuf message, as far as its fields can be told without a schema.</summary>
public static class ProtobufMessage
{
    /// <summary>The number in a name such as <c>#2</c>; null when it is not one.</summary>
    public static int? FieldOf(string name) => ProtobufNames.NumberOf(name) is > 0 and var number ? number : null;

    /// <summary>
    /// The one text of a field; null when the field is absent, occurs with different texts or is no text, and when the message can't be read.
    /// </summary>
    public static string? Text(ReadOnlySpan<byte> message, int field)
    {
        var reader = new ProtobufReader(message);
        ReadOnlySpan<byte> found = default;
        var isFound = false;
        while (reader.TryRead(out var one))
        {
            if (one.Number != field) continue;
            if (one.Type != WireType.Bytes || (isFound && !one.Bytes.SequenceEqual(found))) return null;
            found = one.Bytes;
            isFound = true;
        }
        return reader.Fault is null && isFound && Utf8.IsValid(found) ? Encoding.UTF8.GetString(found) : null;
    }
}
