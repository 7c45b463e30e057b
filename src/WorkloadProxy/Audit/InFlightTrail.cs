using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace WorkloadProxy.Audit;

/// <summary>
/// The facts of every request that an upstream may have seen and whose line is not in the audit yet, in a memory-mapped file: they outlive the process,
/// however it ends, and are written out at the next start. The file's blocks are allocated when it is made, so a full disk is found then and not by a write
/// to memory. A slot is a length (0: free) and that many bytes.
/// </summary>
internal sealed unsafe class InFlightTrail : IDisposable
{
    /// <summary>So many requests can be under way.</summary>
    public const int SlotCount = 16 * 1024;
    private const int SlotSize = 1024;
    /// <summary>Read and cleared at once: whole slots, and small enough not to stay on the large heap.</summary>
    private const int Block = 64 * SlotSize;
    private const int MaxLength = SlotSize - sizeof(int);

    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;
    private readonly int[] free = new int[SlotCount];
    private int freeCount = SlotCount;
    private volatile bool closed;
    private SpinLock freeLock = new(enableThreadOwnerTracking: false);

    /// <summary>Opens or makes the file. The lines that the last process left are read first, with <see cref="TakeLeftBehind"/>.</summary>
    public InFlightTrail(string path)
    {
        // high slots first, so that a quiet server touches few pages
        for (var i = 0; i < SlotCount; i++) free[i] = SlotCount - 1 - i;
        // one of another size was left half made, and is filled up here rather than by a write to memory
        if (!File.Exists(path) || new FileInfo(path).Length != (long)SlotSize * SlotCount)
        {
            File.Delete(path);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, PreallocationSize = (long)SlotSize * SlotCount };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var made = new FileStream(path, options);
            made.SetLength((long)SlotSize * SlotCount);
        }
        file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, (long)SlotSize * SlotCount);
        view = file.CreateViewAccessor();
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
    }

    /// <summary>The lines of requests that were in flight when the last process ended, each with its line feed.</summary>
    public static IReadOnlyList<byte[]> TakeLeftBehind(string path)
    {
        if (!File.Exists(path)) return [];
        // read, not mapped: looking at 16 MiB through the mapping would keep them resident
        using var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        var lines = new List<byte[]>();
        var block = new byte[Block];
        while (stream.ReadAtLeast(block, block.Length, throwOnEndOfStream: false) is var read and > 0)
        {
            for (var slot = 0; slot + SlotSize <= read; slot += SlotSize)
            {
                var length = MemoryMarshal.Read<int>(block.AsSpan(slot));
                if (length is > 0 and <= MaxLength) lines.Add(block.AsSpan(slot + sizeof(int), length).ToArray());
            }
        }
        return lines;
    }

    /// <summary>Forgets what <see cref="TakeLeftBehind"/> gave, once it is in the audit.</summary>
    public static void Clear(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 0);
        var zeros = new byte[Block];
        for (long at = 0; at < stream.Length; at += zeros.Length) stream.Write(zeros);
    }

    /// <summary>Keeps <paramref name="line"/> and returns its slot, or −1 when it is too long or every slot is taken.</summary>
    public int Keep(ReadOnlySpan<byte> line)
    {
        // a request that outlives the server's stop has no memory to write to any more
        if (line.Length > MaxLength || closed) return -1;
        var slot = Take();
        if (slot < 0) return -1;
        var at = start + ((long)slot * SlotSize);
        line.CopyTo(new Span<byte>(at + sizeof(int), MaxLength));
        // the length last: a process that dies in between leaves a free slot, never half a line
        Volatile.Write(ref *(int*)at, line.Length);
        return slot;
    }

    public void Release(int slot)
    {
        if (closed) return;
        Volatile.Write(ref *(int*)(start + ((long)slot * SlotSize)), 0);
        var taken = false;
        freeLock.Enter(ref taken);
        free[freeCount++] = slot;
        freeLock.Exit(useMemoryBarrier: false);
    }

    private int Take()
    {
        var taken = false;
        freeLock.Enter(ref taken);
        var slot = freeCount > 0 ? free[--freeCount] : -1;
        freeLock.Exit(useMemoryBarrier: false);
        return slot;
    }

    public void Dispose()
    {
        closed = true;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
    }
}
