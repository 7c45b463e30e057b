using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Configuration.Options;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Authentication.Issuers;

/// <summary>A verified token's claims as roles see them, where the operator's word on its issuer adds to them.</summary>
internal static class IssuerClaims
{
    private const string OfClient = "client:";

    public static byte[] Of(JwtDocument jwt, IssuerOptions? listed)
    {
        if (jwt.HasIssuer && listed is not { ClientGroups: true }) return jwt.Claims;
        var output = new ArrayBufferWriter<byte>(jwt.Claims.Length + 128);
        using (var document = JsonDocument.Parse(jwt.Claims))
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            if (!jwt.HasIssuer) json.WriteString("iss"u8, jwt.Issuer);
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (listed is { ClientGroups: true, GroupsClaim: var groups } && member.NameEquals(groups)) WriteGroups(json, member);
                else member.WriteTo(json);
            }
            if (listed is { ClientGroups: true } && !document.RootElement.TryGetProperty(listed.GroupsClaim, out _))
                WriteClient(json, listed.GroupsClaim, jwt.Subject);
            json.WriteEndObject();
        }
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Without those that only the proxy gives: an identity provider whose groups are named by users could hold a machine's.</summary>
    private static void WriteGroups(Utf8JsonWriter json, JsonProperty groups)
    {
        if (IsOfClient(groups.Value)) return;
        if (groups.Value.ValueKind != JsonValueKind.Array)
        {
            groups.WriteTo(json);
            return;
        }
        json.WriteStartArray(groups.Name);
        foreach (var group in groups.Value.EnumerateArray())
        {
            if (!IsOfClient(group)) group.WriteTo(json);
        }
        json.WriteEndArray();
    }

    private static bool IsOfClient(JsonElement group) =>
        group.ValueKind == JsonValueKind.String && group.GetString()!.StartsWith(OfClient, StringComparison.Ordinal);

    private static void WriteClient(Utf8JsonWriter json, string claim, string subject)
    {
        json.WriteStartArray(claim);
        json.WriteStringValue(OfClient + subject);
        if (DexSubject.ClientOf(subject) is { } client && client != subject) json.WriteStringValue(OfClient + client);
        json.WriteEndArray();
    }
}
