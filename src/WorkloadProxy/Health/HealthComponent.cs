using WorkloadProxy.PolicyDelivery.Publishing;

namespace WorkloadProxy.Health;

/// <summary>How a part of the server stands: <see cref="Degraded"/> serves, but somebody should look.</summary>
internal enum HealthStatus { Ok, Degraded, Unavailable }

/// <summary>A part of the server by the name that the answer gives it; <paramref name="Detail"/> is for the operator.</summary>
internal sealed record HealthComponent(string Name, HealthStatus Status, string? Detail = null);

/// <summary>Everything that readiness is made of.</summary>
internal sealed record HealthFacts(IReadOnlyList<HealthComponent> Components, IReadOnlyList<PolicySourceStatus> PolicySources);
