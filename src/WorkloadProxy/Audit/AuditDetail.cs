namespace WorkloadProxy.Audit;

/// <summary>
/// How much of a record is written: of one that nobody authenticated for, not all that the caller chose; what of it fits a slot of the in-flight trail is at
/// least who asked for what, with long texts cut, or that somebody did.
/// </summary>
internal enum AuditDetail { Full, Untrusted, Brief, Least }
