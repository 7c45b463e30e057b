namespace WorkloadProxy.Configuration.Keys;

/// <summary><c>Credentials</c></summary>
internal static class CredentialKeys
{
    public static readonly ConfigurationKey[] Rows =
    [
        new("Credentials:#:Context", KeyType.Text, "whose credential it is")
            { Required = true, Example = "\"api://DigitalOcean?actx=f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"", Form = "context" },
        new("Credentials:#:Kind", KeyType.Choice, "how requests carry it, or how it is obtained")
        {
            Required = true,
            Choices = ["Bearer", "Header", "Basic", "Query", "OAuth", "ClientCredentials", "GitHubApp", "Dpop", "Exchange", "AtprotoPassword", "None"],
            Example = "\"Bearer\"",
            More = "#secrets",
        },
        new("Credentials:#:For:*", KeyType.Text, "the entry is for roles whose `credential` has this member")
            { Example = "\"proj-a\"", Absent = "roles that name no credential", More = "depot.md#one-credential-a-role" },
        new("Credentials:#:File", KeyType.SecretFile, "holds the secret; read again when it changes")
            { Example = "\"/run/secrets/digitalocean-token\"", Absent = "one of the two" },
        new("Credentials:#:EnvironmentVariable", KeyType.Variable, "holds the secret, in place of a file")
            { Example = "\"DIGITALOCEAN_TOKEN\"", Absent = "one of the two" },
        new("Credentials:#:Name", KeyType.Text, "the header (`Header`) or query parameter (`Query`)")
            { Example = "\"X-Api-Key\"", Absent = "required for these kinds" },
        new("Credentials:#:Format", KeyType.Text, "for `Header`: the value, with `{secret}` where the secret goes")
            { Example = "\"Token {secret}\"", Absent = "the secret alone" },
        new("Credentials:#:Username", KeyType.Text, "for `Basic`") { Example = "\"robot\"", Absent = "the secret is `user:password`" },
        new("Credentials:#:TokenAddress", KeyType.Address, "for `ClientCredentials`: the token endpoint; the secret is the client's")
            { Required = true, Example = "\"https://login.example.com/oauth/token\"" },
        new("Credentials:#:ClientId", KeyType.Text, "for `ClientCredentials`") { Required = true, Example = "\"0123456789abcdef\"" },
        new("Credentials:#:Scopes:#", KeyType.Text, "for `ClientCredentials`") { Example = "[\"read\"]", Absent = "all that the client has" },
        new("Credentials:#:AppId", KeyType.Text, "for `GitHubApp`: the App's number or client id")
            { Example = "\"Iv23liAbCdEfGhIjKlMn\"", Absent = "required for this kind" },
        new("Credentials:#:PrivateKeyFile", KeyType.SecretFile, "for `GitHubApp`: the App's key as GitHub gives it (PEM); read again for each use")
            { Example = "\"/run/secrets/github-app.pem\"", Absent = "required for this kind" },
        new("Credentials:#:InstallationId", KeyType.Number, "for `GitHubApp`; without it, one of the repositories must be `owner/name`")
            { Least = "1", Most = "9223372036854775807", Example = "12345678", Absent = "GitHub is asked" },
        new("Credentials:#:Repositories:#", KeyType.Text, "for `GitHubApp`: what its tokens are good for at most; a role may name fewer")
            { Example = "[\"acme/web\"]", Form = "repositories", Absent = "all of the installation" },
        new("Credentials:#:Permissions:*", KeyType.Text, "for `GitHubApp`: the same for permissions, such as `contents`")
            { Example = "\"read\"", Form = "`read`, `write`, `admin`", Absent = "all that the installation grants" },
        new("Credentials:#:Create:Path", KeyType.Text,
            "for `Exchange`: asked for a credential of the caller's own; `{name}` is what the role's `credential` says, `{jti}` the token's id")
            { Required = true, Example = "\"/depot.core.v1.ProjectService/CreateToken\"", Form = "path" },
        new("Credentials:#:Create:Body:*", KeyType.Text, "a member of the JSON body, with the same templates") { Example = "\"{project}\"" },
        new("Credentials:#:Create:Token", KeyType.Text, "the response's member that is the credential") { Required = true, Example = "\"secret\"" },
        new("Credentials:#:Create:Id", KeyType.Text, "the response's member that `{id}` stands for in `Delete`") { Example = "\"tokenId\"" },
        new("Credentials:#:Delete:Path", KeyType.Text, "for `Exchange`: asked to delete the credential when it is no longer needed")
            { Required = true, Example = "\"/depot.core.v1.ProjectService/DeleteToken\"", Form = "path" },
        new("Credentials:#:Delete:Body:*", KeyType.Text, "a member of its JSON body") { Example = "\"{id}\"" },
    ];
}
