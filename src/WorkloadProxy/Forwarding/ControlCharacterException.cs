namespace WorkloadProxy.Forwarding;

/// <summary>
/// A control character in a header's value, which is the caller's mistake (RFC 9110 §5.5): to some upstreams it is the end of a line, to others white space.
/// </summary>
internal sealed class ControlCharacterException() : Exception("a header's value holds a control character");
