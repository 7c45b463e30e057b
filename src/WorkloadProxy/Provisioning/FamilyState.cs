using WorkloadProxy.Policies;

namespace WorkloadProxy.Provisioning;

/// <summary>What a refresh token stands for. <paramref name="Again"/> is the answer that it was spent for, while that may be given once more.</summary>
internal sealed record FamilyState(string Family, AuthContext Context, string DropletId, bool Spent, byte[]? Again);
