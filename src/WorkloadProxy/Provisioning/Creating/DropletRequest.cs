using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using WorkloadProxy.Policies;
using WorkloadProxy.Requests;

namespace WorkloadProxy.Provisioning.Creating;

/// <summary>The body of a <c>POST /v2/droplets</c> that asks for an identity: <paramref name="Subject"/> is what its tag says (<c>role:NAME</c>).</summary>
internal sealed record DropletRequest(JsonElement Body, string Subject, string? UserData)
{
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Null without a failure for a body that asks for none; it then goes on byte for byte, whatever it is.</summary>
    public static Failure? Read(byte[] bytes, out DropletRequest? request)
    {
        request = null;
        if (!RequestBody.TryParseJson(bytes, out var body, out var error))
        {
            // the cloud may read it otherwise than this parser, and see a tag there
            return bytes.AsSpan().IndexOf("oidc-sub"u8) < 0 ? null : new Failure(ErrorId.BadRequest, error!);
        }
        if (body.Json.ValueKind != JsonValueKind.Object) return null;
        if (ProvisioningTag.Read(body.Json, out var subject) is { } malformed) return malformed;
        if (subject is null) return null;
        string? userData = null;
        if (body.Json.TryGetProperty("user_data", out var given) && given.ValueKind != JsonValueKind.Null)
        {
            if (given.ValueKind != JsonValueKind.String) return new Failure(ErrorId.Unprocessable, "`user_data` is not a string");
            userData = given.GetString();
        }
        request = new DropletRequest(body.Json, subject, userData);
        return null;
    }

    /// <summary>The same body with other user data; every other value keeps its text.</summary>
    public byte[] With(string userData)
    {
        var buffer = new ArrayBufferWriter<byte>(userData.Length + 1024);
        using (var writer = new Utf8JsonWriter(buffer, Json))
        {
            writer.WriteStartObject();
            foreach (var member in Body.EnumerateObject())
            {
                if (member.NameEquals("user_data"u8)) continue;
                writer.WritePropertyName(member.Name);
                writer.WriteRawValue(member.Value.GetRawText());
            }
            writer.WriteString("user_data"u8, userData);
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
