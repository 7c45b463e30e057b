using System.Buffers;
using System.Text.Json;
using WorkloadProxy.Hcl;
using WorkloadProxy.Issuing;

namespace WorkloadProxy.Provisioning;

/// <summary>The answer to a proof and to a refresh.</summary>
internal static class IdentityAnswer
{
    public static byte[] Write(IssuedToken identity, RefreshToken next)
    {
        var output = new ArrayBufferWriter<byte>(2048);
        using (var writer = new Utf8JsonWriter(output, ReadableJson.Options))
        {
            writer.WriteStartObject();
            writer.WriteString("token"u8, identity.Token);
            writer.WriteString("refresh_token"u8, next.Text);
            writer.WriteNumber("expires_in"u8, identity.LifetimeSeconds);
            writer.WriteEndObject();
        }
        return output.WrittenSpan.ToArray();
    }
}
