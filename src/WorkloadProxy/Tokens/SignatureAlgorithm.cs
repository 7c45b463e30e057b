namespace WorkloadProxy.Tokens;

/// <summary>
/// A signature algorithm that is accepted (RFC 7518 §3.1): the kind of key it takes and, for ECDSA, the curve and the signature's length in bytes.
/// </summary>
internal sealed record SignatureAlgorithm(string Name, string KeyType, string? Curve = null, int SignatureLength = 0)
{
    private static readonly SignatureAlgorithm[] Accepted =
    [
        new("RS256", "RSA"), new("RS384", "RSA"), new("RS512", "RSA"),
        new("PS256", "RSA"), new("PS384", "RSA"), new("PS512", "RSA"),
        new("ES256", "EC", "P-256", 64), new("ES384", "EC", "P-384", 96), new("ES512", "EC", "P-521", 132),
    ];

    /// <summary>Names are compared exactly: <c>rs256</c> is none.</summary>
    public static SignatureAlgorithm? Find(string name) => Array.Find(Accepted, algorithm => algorithm.Name == name);
}
