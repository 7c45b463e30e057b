namespace WorkloadProxy.Upstreams.DigitalOcean;

/// <summary>Whose an API token is: the team that its policy is for, and the person, as far as the upstream tells.</summary>
internal sealed record ApiAccount(string Team, string? Uuid, string? Email);
