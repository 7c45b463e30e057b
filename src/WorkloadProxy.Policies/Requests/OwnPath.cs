namespace WorkloadProxy.Policies;

/// <summary>What decides at one of the proxy's own paths.</summary>
public enum OwnPathKind
{
    /// <summary>Anyone may read what is there.</summary>
    Document,

    /// <summary>It looks at what comes with the request (a form, a token of its own); no rule is asked.</summary>
    Endpoint,

    /// <summary>The caller's rules.</summary>
    Exchange,

    /// <summary>Git's credentials, which pick the context.</summary>
    Git,
}

/// <summary>One of the proxy's own paths: exact and canonical, with the methods that it takes as the <c>Allow</c> header lists them.</summary>
public sealed record OwnPath(string Path, string Methods, OwnPathKind Kind)
{
    /// <summary>The methods as a sentence lists them.</summary>
    internal string MethodsText =>
        Methods.LastIndexOf(", ", StringComparison.Ordinal) is > 0 and var last ? $"{Methods[..last]} and {Methods[(last + 2)..]}" : Methods;

    /// <summary>Whether it takes the method.</summary>
    public bool Takes(string method) => Takes(Methods, method);

    /// <summary>Whether a list of methods, as the <c>Allow</c> header has it, holds the method.</summary>
    public static bool Takes(string methods, string method)
    {
        foreach (var part in methods.AsSpan().Split(", "))
        {
            if (methods.AsSpan(part).SequenceEqual(method)) return true;
        }
        return false;
    }
}
