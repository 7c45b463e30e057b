namespace WorkloadProxy.Forwarding;

/// <summary>
/// Text that the HTTP client would not write as it is. Its HTTP/1.1 writer takes targets and names for ASCII and checks that in debug builds only: past the
/// first other character it sends what lay in the connection's buffer before, which may be another caller's request. Such text is refused long before; this is
/// the last look.
/// </summary>
internal sealed class UnsafeTextException(string what) : Exception($"{what} holds a character that is not printable ASCII");
