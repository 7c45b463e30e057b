using System.Text.Json;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Cli;

/// <summary>Roles as commands show them.</summary>
internal static class RoleOutput
{
    public static void WriteJson(Utf8JsonWriter json, IReadOnlyList<RoleExplanation> roles)
    {
        json.WriteStartArray("roles");
        foreach (var role in roles)
        {
            json.WriteStartObject();
            json.WriteString("name", role.Name);
            json.WriteBoolean("matched", role.Matched);
            json.WriteString("reason", role.Reason);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
