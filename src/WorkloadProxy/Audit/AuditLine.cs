namespace WorkloadProxy.Audit;

/// <summary>
/// A written-out record on its way to the sink: pooled bytes, the slot of its trace while in flight (−1: none), and who waits for it (or null).
/// </summary>
internal readonly record struct AuditLine(byte[] Buffer, int Length, int Slot, TaskCompletionSource<bool>? Written);
