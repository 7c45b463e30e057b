using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace WorkloadProxy.Mcp.Protocol;

/// <summary>Some of MCP's names. Nearly all members have one of them as it is, which their bytes tell: only of others a string is made.</summary>
internal sealed class McpNames(params string[] names)
{
    private readonly byte[][] bytes = [.. names.Select(Encoding.UTF8.GetBytes)];

    /// <summary>Whether the member's name is one of these, escaped or not.</summary>
    public bool Has(JsonProperty member)
    {
        var raw = JsonMarshal.GetRawUtf8PropertyName(member);
        foreach (var name in bytes)
        {
            if (raw.SequenceEqual(name)) return true;
        }
        return raw.Contains((byte)'\\') && Array.IndexOf(names, member.Name) >= 0;
    }

    /// <summary>Whether a reader that ignores letter case would take the name for one of these.</summary>
    public bool HasFolded(string name)
    {
        foreach (var known in names)
        {
            if (SameFolded(name, known)) return true;
        }
        return false;
    }

    /// <summary>Unicode simple case folding, as Go's JSON reader has it: <c>ſ</c> is s, the Kelvin sign k. .NET's ordinal comparison knows neither.</summary>
    private static bool SameFolded(string a, string b)
    {
        if (a.Length != b.Length) return false;
        for (var i = 0; i < a.Length; i++)
        {
            if (Fold(a[i]) != Fold(b[i])) return false;
        }
        return true;

        static char Fold(char c) => c switch { 'ſ' => 's', '\u212a' => 'k', _ => char.ToLowerInvariant(c) };
    }
}
