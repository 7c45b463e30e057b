namespace WorkloadProxy.Configuration.Keys;

/// <summary><c>Issuers</c>, <c>Audiences</c> and <c>Public</c>: whose tokens are verified, what they are for, and what needs none.</summary>
internal static class IssuerKeys
{
    public static readonly ConfigurationKey[] Rows =
    [
        new("Issuers:#:Issuer", KeyType.Address, "a listed issuer may be in-cluster or on loopback. Listing an issuer does not make it trusted; a role does")
            { Required = true, Example = "\"https://dex.example.com/dex\"" },
        new("Issuers:#:MetadataAddress", KeyType.Address, "fetch its keys here while `iss` stays the public address")
            { Example = "\"http://dex.dex.svc:5556/dex/.well-known/openid-configuration\"", Absent = "`<Issuer>/.well-known/openid-configuration`" },
        new("Issuers:#:JwksFile", KeyType.File, "read its keys from this file, which is checked every 2 s")
        { Example = "\"/etc/workload-proxy/dex-jwks.json\"" },
        new("Issuers:#:CaFile", KeyType.CertificateFile, "authorities for its metadata and keys; they replace the system's")
            { Example = "\"/var/run/secrets/kubernetes.io/serviceaccount/ca.crt\"", Absent = "the system's" },
        new("Issuers:#:TokenFile", KeyType.SecretFile,
            "a bearer token for its metadata, and for its keys on the same origin; read again for each fetch, and never sent elsewhere")
            { Example = "\"/var/run/secrets/kubernetes.io/serviceaccount/token\"" },
        new("Issuers:#:SpiffeTrustDomain", KeyType.Text, "a token without `iss` whose `sub` begins with `spiffe://<domain>/` is this issuer's")
            { Example = "\"example.org\"", Form = "name" },
        new("Issuers:#:ClientGroups", KeyType.Flag,
            "a verified token without groups gets the group `client:<sub>`, and where Dex wrote `sub` for a client, `client:<client id>` too; groups that "
                + "begin with `client:` are "
            + "dropped from all others") { Default = "false", Example = "true" },
        new("Issuers:#:GroupsClaim", KeyType.Text, "the claim that `ClientGroups` uses") { Default = "groups", Form = "claim" },
        new("Issuers:#:AudienceIsClient", KeyType.Flag,
            "the issuer writes the client into `aud` (Dex, most OAuth servers): a role may constrain nothing but a whole `aud`")
            {
                Default = "false",
                Example = "true",
            },
        new("Issuers:#:Algorithms:#", KeyType.Choice, "accept only these")
            { Choices = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"], Example = "[\"RS256\"]", Absent = "all of them" },
        new("Issuers:#:Run:#", KeyType.Text,
            "the claims that tell runs of a workload apart, for the `run` of tokens and of the audit; a token without them is a run by itself")
        {
            Example = "[\"job_id\"]",
            Form = "claims",
            Absent = "`run_id` and `run_attempt`, `job_id`, `cloud_agent_id`, or a pod's uid, whichever the token has",
        },
        new("Audiences:#:Audience", KeyType.Text, "the `aud` of tokens that do not name a context themselves; `*`: every `aud` of the `Issuer`")
            { Required = true, Example = "\"https://depot.dev\"", More = "issuers.md#one-audience-several-contexts" },
        new("Audiences:#:Issuer", KeyType.Address, "only for tokens with exactly this `iss`") { Example = "\"https://dex.example.com/dex\"", Absent = "any" },
        new("Audiences:#:Claims", KeyType.Json, "only for tokens with these claims, written as JSON with the meaning that they have in a role")
            { Example = "{ \"sub\": \"org:acme:vault:web\" }", Absent = "any" },
        new("Audiences:#:Context", KeyType.Text,
            "the context that it stands for. The narrowest entry that fits decides; two that are equally narrow and differ: 401")
            { Required = true, Example = "\"api://Depot?actx=acme\"", Form = "context" },
        new("Public:#:Path", KeyType.Text,
            "a path that needs no token, for `GET` and `HEAD`: a policy's pattern with at least two whole segments before its first wildcard, or one path")
            { Required = true, Example = "\"/.well-known/terraform.json\"", Form = "pattern", More = "issuers.md#paths-without-a-token" },
        new("Public:#:Document", KeyType.Json, "the JSON to respond with, with `Cache-Control: public, max-age=300`")
            { Example = "{ \"modules.v1\": \"/modules/v1/\" }", Absent = "one of three" },
        new("Public:#:File", KeyType.File, "the JSON in this file, read again when it changes") { Example = "\"terraform.json\"", Absent = "one of three" },
        new("Public:#:Upstream", KeyType.Text, "forwarded to this upstream, without the caller's `Authorization` and without a credential")
            { Example = "\"OpenDepot\"", Form = "name", Absent = "one of three" },
    ];
}
