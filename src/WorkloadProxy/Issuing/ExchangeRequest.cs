using System.Text.Json;
using WorkloadProxy.Requests;
using WorkloadProxy.Tokens;

namespace WorkloadProxy.Issuing;

/// <summary>What the body of an exchange asks for, its types checked; nothing in it has been permitted yet.</summary>
internal sealed record ExchangeRequest(string Audience, string Subject, int? LifetimeSeconds, IReadOnlyList<JsonProperty> ExtraClaims)
{
    private const int MaxTextLength = 1024;
    // a token may nest 16 deep, and the claims object is the first level
    private const int MaxClaimDepth = 15;

    public static Result<ExchangeRequest> Parse(JsonElement body, int maxLifetimeSeconds)
    {
        try
        {
            return Read(body, maxLifetimeSeconds);
        }
        catch (InvalidOperationException)
        {
            // JsonElement gives out no name or text that is not Unicode (`"\ud800"`)
            return Malformed("the body holds half of a surrogate pair, expected Unicode text");
        }
    }

    private static Result<ExchangeRequest> Read(JsonElement body, int maxLifetimeSeconds)
    {
        if (body.ValueKind != JsonValueKind.Object) return Malformed($"the body is {Describe(body)}, expected a JSON object with `aud`, `sub` and `ttl`");
        string? audience = null, subject = null;
        int? lifetime = null;
        var extra = new List<JsonProperty>();
        foreach (var property in body.EnumerateObject())
        {
            switch (property.Name)
            {
                case "aud":
                    if (!TryText(property.Value, audience, out audience)) return NoText(property);
                    break;
                case "sub":
                    if (!TryText(property.Value, subject, out subject)) return NoText(property);
                    break;
                case "ttl":
                    if (lifetime is not null || !TryWhole(property.Value, out var ttl))
                        return Malformed($"`ttl` is {Describe(property.Value)}, expected a whole number of seconds");
                    if (ttl < 1 || ttl > maxLifetimeSeconds)
                        return Malformed($"`ttl` is {property.Value.GetRawText()}, expected 1 to {maxLifetimeSeconds} seconds");
                    lifetime = (int)ttl;
                    break;
                default:
                    if (!OwnClaims.MayBeSet(property.Name)) return Malformed($"`{Shown(property.Name)}` is set by the proxy and can't be overridden");
                    if (!IsClaim(property.Value, MaxClaimDepth)) return Malformed($"`{Shown(property.Name)}` is nested more than {MaxClaimDepth} deep");
                    extra.Add(property);
                    break;
            }
        }
        if (audience is null) return Malformed("`aud` is missing: the context that the token is for");
        if (subject is null) return Malformed("`sub` is missing: the subject that the token is for");
        return new ExchangeRequest(audience, subject, lifetime, extra);
    }

    private static Failure Malformed(string message) => new(ErrorId.BadRequest, message);
    private static Failure NoText(JsonProperty property) =>
        Malformed($"`{property.Name}` is {Describe(property.Value)}, expected one text of 1 to {MaxTextLength} characters without control characters");

    // "before" is set when the name was there already: of two values neither is taken, whatever the body's parser let through
    private static bool TryText(JsonElement value, string? before, out string? text)
    {
        text = null;
        if (before is not null || value.ValueKind != JsonValueKind.String) return false;
        text = value.GetString()!;
        return text.Length is > 0 and <= MaxTextLength && !text.Any(char.IsControl);
    }

    private static bool TryWhole(JsonElement value, out decimal whole)
    {
        whole = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out whole) && whole == decimal.Truncate(whole);
    }

    // reads every name and text in it, so that writing the claim can't fail
    private static bool IsClaim(JsonElement value, int depth) => value.ValueKind switch
    {
        JsonValueKind.Object => depth > 0 && value.EnumerateObject().All(member => member.Name is not null && IsClaim(member.Value, depth - 1)),
        JsonValueKind.Array => depth > 0 && value.EnumerateArray().All(element => IsClaim(element, depth - 1)),
        JsonValueKind.String => value.GetString() is not null,
        _ => true,
    };

    private static string Shown(string name) => name.Length <= 64 ? name : name[..64] + "…";

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a bool",
        JsonValueKind.Null => "null",
        _ => "absent",
    };
}
