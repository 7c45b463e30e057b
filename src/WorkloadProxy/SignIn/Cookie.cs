using System.Globalization;

namespace WorkloadProxy.SignIn;

/// <summary>
/// The cookies: their names bind them to this very host and to TLS; scripts can't read them; of the requests that other sites cause, only a navigation carries
/// them. Over plain http, browsers accept them on loopback alone, which they treat as secure (Safari does not).
/// </summary>
internal sealed record Cookie(string Name, TimeSpan? MaxAge)
{
    public static Cookie SignIn { get; } = new("__Host-workload-proxy-signin", SignInState.Lifetime);
    public static Cookie AtProto { get; } = new("__Host-workload-proxy-atproto", SignInState.Lifetime);
    public static Cookie Session { get; } = new("__Host-workload-proxy-session", null);

    public string? Read(HttpContext http) => http.Request.Cookies[Name] is { Length: > 0 } value ? value : null;

    public void Set(HttpContext http, string value) =>
        Append(http, value, MaxAge is { } age ? $"; Max-Age={((long)age.TotalSeconds).ToString(CultureInfo.InvariantCulture)}" : "");

    public void Remove(HttpContext http) => Append(http, "", "; Max-Age=0");

    private void Append(HttpContext http, string value, string age) =>
        http.Response.Headers.Append("Set-Cookie", $"{Name}={value}; Path=/{age}; HttpOnly; Secure; SameSite=Lax");
}
