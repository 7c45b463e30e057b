using WorkloadProxy.Hcl;

namespace WorkloadProxy.Policies.Parameters;

internal enum MismatchKind
{
    /// <summary>The value is none of the permitted ones.</summary>
    Value,
    /// <summary>A required name is missing.</summary>
    Missing,
    /// <summary>The name is not among the permitted ones.</summary>
    Unlisted,
    /// <summary><c>denied_parameters</c> refuses it.</summary>
    Denied,
    /// <summary>The body must be an object.</summary>
    NoObject,
    /// <summary>There must be no body.</summary>
    Body,
    /// <summary>Could be read in two ways, or changes what the request means: 400.</summary>
    Ambiguous,
}

/// <summary>
/// The first thing that keeps a value from a constraint: where (<c>grants[0].bucket</c>, empty for the value itself) and how, never what would be permitted.
/// <paramref name="Satisfied"/> counts the parameters that were right, so that of several failures the closest can be told.
/// </summary>
internal sealed record Mismatch(MismatchKind Kind, string Path = "", int Satisfied = 0, bool InQuery = false, string? Detail = null)
{
    private const int LongestName = 80;

    /// <summary>Seen from the object or array that holds the value under <paramref name="step"/>.</summary>
    public Mismatch Under(string step) => this with { Path = Path.Length == 0 ? step : Path.StartsWith('[') ? step + Path : $"{step}.{Path}" };

    /// <summary>For the caller and the audit.</summary>
    public string Text
    {
        get
        {
            var name = $"{(InQuery ? "query parameter" : "parameter")} `{Shown}`";
            return Kind switch
            {
                MismatchKind.Value when Path.Length == 0 => "the body is not permitted",
                MismatchKind.Value => $"{name} has a value that is not permitted",
                MismatchKind.Missing => $"{name} is missing",
                MismatchKind.Unlisted => $"{name} is not permitted",
                MismatchKind.Denied => $"{name} is denied",
                MismatchKind.NoObject => "the body is not an object",
                MismatchKind.Body => "the request must have no body",
                _ => Path.Length == 0 ? Detail! : $"{name} {Detail}",
            };
        }
    }

    // The name may be the caller's: bounded, and on one line wherever it is printed.
    private string Shown => SafeText.Quoted(Path, LongestName);
}
