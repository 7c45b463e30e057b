using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Policies;

namespace WorkloadProxy.Issuing;

/// <summary>The body of a good answer to <c>/v1/oidc/issue</c>; goes with <c>Cache-Control: no-store</c>.</summary>
internal static class IssueResponse
{
    public static void Write(IBufferWriter<byte> output, IssuedToken issued)
    {
        using var writer = new Utf8JsonWriter(output, ReadableJson.Options);
        writer.WriteStartObject();
        writer.WriteString("token"u8, issued.Token);
        writer.WriteString("token_type", "Bearer");
        writer.WriteNumber("expires_in", issued.LifetimeSeconds);
        writer.WriteString("expires_at", Rfc3339.Text(issued.Expires));
        writer.WriteEndObject();
    }
}
