using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;

namespace Sandbox.Tokens;

/// <summary>Writes JWTs, honest and otherwise: header and claims may be any bytes.</summary>
public static class TokenForge
{
    /// <summary>A token with an ordinary header; members of <paramref name="header"/> are put over it, and a null takes one away.</summary>
    public static string Sign(SigningKey key, JsonObject claims, JsonObject? header = null)
    {
        var whole = new JsonObject { ["typ"] = "JWT", ["alg"] = key.Algorithm, ["kid"] = key.Kid }.With(header);
        return Sign(key, Encoding.UTF8.GetBytes(whole.ToJsonString()), Encoding.UTF8.GetBytes(claims.ToJsonString()));
    }

    /// <summary>Signs exactly these bytes.</summary>
    public static string Sign(SigningKey key, ReadOnlySpan<byte> header, ReadOnlySpan<byte> claims)
    {
        var input = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(claims)}";
        return $"{input}.{Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(input)))}";
    }

    /// <summary>The same without any signature: <c>header.claims.</c></summary>
    public static string Unsigned(ReadOnlySpan<byte> header, ReadOnlySpan<byte> claims) =>
        $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(claims)}.";

    /// <summary>A copy with the members of <paramref name="over"/> put over it; a null takes a member away.</summary>
    public static JsonObject With(this JsonObject under, JsonObject? over)
    {
        var result = (JsonObject)under.DeepClone();
        foreach (var (name, value) in over ?? [])
        {
            if (value is null) result.Remove(name);
            else result[name] = value.DeepClone();
        }
        return result;
    }
}
