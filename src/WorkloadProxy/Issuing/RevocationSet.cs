namespace WorkloadProxy.Issuing;

/// <summary>Revoked tokens by their revocation id, in memory for every request and in the store across restarts.</summary>
internal sealed class RevocationSet
{
    /// <summary>Grows with each revocation; an equal value means that nothing was revoked in between.</summary>
    public long Generation => throw new NotImplementedException();

    /// <summary>Whether any of the ids is revoked. No I/O, no lock.</summary>
    public bool ContainsAny(IReadOnlyList<string> revocationIds) => throw new NotImplementedException();
}
