namespace WorkloadProxy.Configuration.Keys;

/// <summary>How the value at a key is read.</summary>
internal enum KeyType
{
    Text,
    /// <summary>An absolute http or https address.</summary>
    Address,
    /// <summary>A path at which nothing need be yet.</summary>
    Path,
    /// <summary>A file that exists.</summary>
    File,
    /// <summary>A file that exists and holds a secret: the value is not shown, for it may be the secret itself, put in the wrong place.</summary>
    SecretFile,
    /// <summary>A file that exists and holds certificates in PEM.</summary>
    CertificateFile,
    /// <summary>A directory that exists.</summary>
    Directory,
    /// <summary>The name of an environment variable.</summary>
    Variable,
    /// <summary><c>true</c>, <c>false</c> or one of the key's choices.</summary>
    Flag,
    Number,
    /// <summary>A number of bytes.</summary>
    Size,
    Duration,
    /// <summary>One of a few names, in any letter case.</summary>
    Choice,
    /// <summary>A JSON object that is one value: its names are not keys.</summary>
    Json,
}
