using System.Buffers.Binary;
using System.Security.Cryptography;

namespace WorkloadProxy.Requests;

/// <summary>Request ids: 32 hexadecimal digits, a random half per process and a counter, so that making one costs no randomness.</summary>
internal sealed class RequestIds
{
    public const int Length = 32;
    private readonly ulong prefix = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));
    private long counter = BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(8)) & 0x0000_FFFF_FFFF_FFFF;

    public string Next() => string.Create(Length, (prefix, (ulong)Interlocked.Increment(ref counter)), static (span, id) =>
    {
        id.prefix.TryFormat(span, out _, "x16");
        id.Item2.TryFormat(span[16..], out _, "x16");
    });
}
