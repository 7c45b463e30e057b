namespace Sandbox.Cloud;

/// <summary>The API's refusals, in DigitalOcean's words.</summary>
internal static class DigitalOceanError
{
    public static IResult Unauthorized => Of(401, "unauthorized", "Unable to authenticate you");
    public static IResult Forbidden => Of(403, "forbidden", "You are not authorized to perform this operation");
    public static IResult NotFound => Of(404, "not_found", "The resource you were accessing could not be found.");
    public static IResult Unprocessable(string message) => Of(422, "unprocessable_entity", message);
    public static IResult BadRequest(string message) => Of(400, "bad_request", message);

    private static IResult Of(int status, string id, string message) => Results.Json(new { id, message }, statusCode: status);
}
