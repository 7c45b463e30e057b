namespace WorkloadProxy.Policies.Rules;

/// <summary>What a rule may grant; <c>deny</c> is no capability but a kind of rule.</summary>
[Flags]
internal enum Capability
{
    None = 0,
    Read = 1,
    Create = 2,
    Update = 4,
    Patch = 8,
    Delete = 16,
    Connect = 32,
    List = 64,
}

/// <summary>Capabilities by their names, and the method that needs each.</summary>
internal static class Capabilities
{
    public const string Deny = "deny";

    public static readonly string[] Names = ["create", "read", "update", "patch", "delete", "list", "connect", Deny];

    public static Capability Parse(string name) => name switch
    {
        "read" => Capability.Read,
        "create" => Capability.Create,
        "update" => Capability.Update,
        "patch" => Capability.Patch,
        "delete" => Capability.Delete,
        "connect" => Capability.Connect,
        "list" => Capability.List,
        _ => Capability.None,
    };

    /// <summary>What the method needs; none for a method that no rule can permit (405).</summary>
    public static Capability Of(string method) => method switch
    {
        "GET" or "HEAD" or "OPTIONS" => Capability.Read,
        "POST" => Capability.Create,
        "PUT" => Capability.Update,
        "PATCH" => Capability.Patch,
        "DELETE" => Capability.Delete,
        _ => Capability.None,
    };

    /// <summary>Whether <paramref name="granted"/> holds all of <paramref name="needed"/>. <c>update</c> grants PATCH too.</summary>
    public static bool Grants(Capability granted, Capability needed)
    {
        if ((granted & Capability.Update) != 0) granted |= Capability.Patch;
        return (granted & needed) == needed;
    }

    public static string Name(Capability capability) => capability switch
    {
        Capability.Read => "read",
        Capability.Create => "create",
        Capability.Update => "update",
        Capability.Patch => "patch",
        Capability.Delete => "delete",
        Capability.Connect => "connect",
        Capability.List => "list",
        _ => string.Join(" and ", NamesOf(capability)),
    };

    /// <summary>Each of them, as written in a policy.</summary>
    public static IEnumerable<string> NamesOf(Capability capabilities)
        => Enum.GetValues<Capability>().Where(one => one != Capability.None && capabilities.HasFlag(one)).Select(Name);
}
