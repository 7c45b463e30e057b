using System.Text.Json.Nodes;

namespace Sandbox.Cloud;

/// <summary>A remark on lines of a file, as GitHub shows it beside them.</summary>
public sealed record CheckAnnotation(string Path, int StartLine, int EndLine, int? StartColumn, int? EndColumn, string Level, string Message)
{
    /// <summary>GitHub takes 50 a call, and columns only where the annotation stays on one line.</summary>
    internal static bool TryReadAll(JsonNode? body, out IReadOnlyList<CheckAnnotation> annotations)
    {
        annotations = [.. (body?["output"]?["annotations"]?.AsArray() ?? [])
            .Select(one => new CheckAnnotation((string)one!["path"]!, (int)one["start_line"]!, (int)one["end_line"]!,
            (int?)one["start_column"], (int?)one["end_column"], (string)one["annotation_level"]!, (string)one["message"]!))];
        return annotations.Count <= 50
            && annotations.All(one => one.Level is "notice" or "warning" or "failure" && (one.StartColumn is null || one.StartLine == one.EndLine));
    }
}
