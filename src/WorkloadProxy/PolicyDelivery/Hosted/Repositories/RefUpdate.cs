using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using WorkloadProxy.Git;
using WorkloadProxy.Hcl;

namespace WorkloadProxy.PolicyDelivery.Hosted.Repositories;

/// <summary>What a push wants of one ref.</summary>
internal sealed record RefUpdate(string Name, ObjectId Old, ObjectId New)
{
    private const string Branches = "refs/heads/";
    private const string Tags = "refs/tags/";
    // of the whole name: git makes a directory of each part, and a path that is too long for the system would be left behind, in the way of all that comes
    // after
    private const int MaxBytes = 255;
    private const int MaxParts = 20;

    /// <summary>Its short name, null for a ref that is not a branch.</summary>
    public string? Branch => Name.StartsWith(Branches, StringComparison.Ordinal) ? Name[Branches.Length..] : null;

    public bool IsMain => Name == HostedRepository.Main;

    /// <summary>Why the ref may not be written at all, whatever it is to hold; null if it may.</summary>
    public string? Problem()
    {
        var shown = SafeText.Clean(Name.Length <= 200 ? Name : Name[..200] + "…", ' ');
        if (Name == HostedRepository.Schema) return "branch `schema` belongs to the server, which writes `rbac.json` there";
        if (!Name.StartsWith(Branches, StringComparison.Ordinal) && !Name.StartsWith(Tags, StringComparison.Ordinal))
            return $"`{shown}` is neither a branch nor a tag";
        if (IsMain) return null;
        if (Encoding.UTF8.GetByteCount(Name) > MaxBytes || Name.Count('/') >= MaxParts)
            return $"`{shown}` is too long, expected at most {MaxBytes} bytes and {MaxParts} parts";
        if (Name.Any(SafeText.Steers)) return $"`{shown}` holds a control character or one that changes the reading direction";
        // what git tries before and behind a short name: `main` could mean more than one ref, and nobody's `git push URL main` would work any more
        var first = Name.Split('/')[2];
        if (first.ToUpperInvariant() is "REFS" or "HEADS" or "HEAD") return $"`{shown}` is not a valid name: its first part is `{first}`";
        if (Branch is not { } branch)
        {
            // git looks for a tag before a branch of that name
            return Name is Tags + "main" or Tags + "schema" ? $"tag `{shown}` would hide branch `{Name[Tags.Length..]}`" : null;
        }
        foreach (var own in (ReadOnlySpan<string>)["main", "schema"])
        {
            // on a file system that ignores case they would be one file
            if (branch.Equals(own, StringComparison.OrdinalIgnoreCase) || branch.StartsWith(own + "/", StringComparison.OrdinalIgnoreCase))
                return $"`{shown}` is in the way of branch `{own}`";
        }
        return null;
    }

    /// <summary>
    /// The first ref that a push names twice, else null: git would write both, the second onto the first, and only one of them would have been looked at.
    /// </summary>
    public static string? FirstTwice(IReadOnlyList<RefUpdate> updates)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        return updates.FirstOrDefault(update => !names.Add(update.Name))?.Name;
    }

    public static bool TryReadAll(JsonElement array, [NotNullWhen(true)] out IReadOnlyList<RefUpdate>? updates)
    {
        updates = null;
        if (array.ValueKind != JsonValueKind.Array) return false;
        var found = new List<RefUpdate>();
        foreach (var item in array.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String || !TryParse(item.GetString()!, out var update)) return false;
            found.Add(update);
        }
        updates = found;
        return found.Count > 0;
    }

    /// <summary><c>&lt;old&gt; SP &lt;new&gt; SP &lt;ref&gt;</c>, as githooks(5) has it.</summary>
    private static bool TryParse(string line, [NotNullWhen(true)] out RefUpdate? update)
    {
        var parts = line.Split(' ', 3);
        update = parts.Length == 3 && parts[2].Length > 0 && ObjectId.TryParse(parts[0], out var before) && ObjectId.TryParse(parts[1], out var after)
            ? new(parts[2], before, after) : null;
        return update is not null;
    }
}
