namespace WorkloadProxy.Policies.Protobuf;

/// <summary>How a field's value is written; groups are refused.</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>One occurrence of a field: a varint's value, or the bytes of a string, a message or a packed list.</summary>
internal readonly ref struct ProtobufField(int number, WireType type, ulong value, ReadOnlySpan<byte> bytes)
{
    public int Number => number;
    public WireType Type => type;
    public ulong Value => value;
    public ReadOnlySpan<byte> Bytes { get; } = bytes;
}
