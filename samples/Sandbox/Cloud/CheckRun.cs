namespace Sandbox.Cloud;

/// <summary>A check run as it was made, with what was added to it.</summary>
public sealed record CheckRun(string Repository, string Sha, string Name, string Status, string Conclusion, string Summary,
    IReadOnlyList<CheckAnnotation> Annotations);
