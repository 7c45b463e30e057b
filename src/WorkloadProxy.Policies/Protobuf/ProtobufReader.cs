namespace WorkloadProxy.Policies.Protobuf;

/// <summary>
/// The fields of one message, in order, without a schema. What two readers could take for different messages is a fault: groups, field number 0, a varint that
/// is longer than it need be or holds over 64 bits, bytes past the end. Never reads outside the span, never allocates.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const int MaxVarint = 10;
    private ReadOnlySpan<byte> rest = message;

    /// <summary>What is wrong with the message; null while nothing is.</summary>
    public string? Fault { get; private set; }

    /// <summary>False at the end, and at the first fault.</summary>
    public bool TryRead(out ProtobufField field)
    {
        field = default;
        if (rest.IsEmpty || !TryVarint(out var tag)) return false;
        // 29 bits of number and 3 of type: a larger tag is cut by some readers
        if (tag > uint.MaxValue) return Fail("a field's number is over 29 bits");
        var number = (int)(tag >> 3);
        if (number == 0) return Fail("a field's number is 0");
        var value = 0ul;
        ReadOnlySpan<byte> bytes = default;
        switch (tag & 7)
        {
            case 0:
                if (!TryVarint(out value)) return false;
                break;
            case 1:
                if (!TryTake(8, out bytes)) return false;
                break;
            case 2:
                if (!TryVarint(out var length)) return false;
                if (length > (ulong)rest.Length) return Fail("a field ends after the message");
                if (!TryTake((int)length, out bytes)) return false;
                break;
            case 5:
                if (!TryTake(4, out bytes)) return false;
                break;
            case 3 or 4:
                return Fail("it holds a group");
            default:
                return Fail("a field has an unknown wire type");
        }
        field = new ProtobufField(number, (WireType)(tag & 7), value, bytes);
        return true;
    }

    /// <summary>The next varint of a packed list, in the place of a message. False at the end, and at the first fault.</summary>
    public bool TryReadElement(out ulong value)
    {
        value = 0;
        return !rest.IsEmpty && TryVarint(out value);
    }

    /// <summary>What is wrong with a whole message; null when nothing is. Messages inside it are looked at where a rule looks into them.</summary>
    public static string? FaultOf(ReadOnlySpan<byte> message)
    {
        var reader = new ProtobufReader(message);
        while (reader.TryRead(out _))
        {
        }
        return reader.Fault;
    }

    private bool TryTake(int length, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (length > rest.Length) return Fail("a field ends after the message");
        bytes = rest[..length];
        rest = rest[length..];
        return true;
    }

    private bool TryVarint(out ulong value)
    {
        value = 0;
        for (var i = 0; i < rest.Length && i < MaxVarint; i++)
        {
            var part = rest[i];
            // of the tenth byte one bit is left
            if (i == MaxVarint - 1 && part > 1) return Fail("a varint is over 64 bits");
            value |= (ulong)(part & 0x7f) << (7 * i);
            if (part >= 0x80) continue;
            if (part == 0 && i > 0) return Fail("a varint is longer than it need be");
            rest = rest[(i + 1)..];
            return true;
        }
        return Fail(rest.Length < MaxVarint ? "it ends within a varint" : "a varint is over 64 bits");
    }

    private bool Fail(string fault)
    {
        Fault = fault;
        rest = default;
        return false;
    }
}
