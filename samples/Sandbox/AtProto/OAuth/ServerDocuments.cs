namespace Sandbox.AtProto.OAuth;

/// <summary>What a server publishes about itself (RFC 9728, RFC 8414).</summary>
internal static class ServerDocuments
{
    public static object Resource(PersonalDataServer server) => new
    {
        resource = server.Url,
        authorization_servers = new[] { server.AuthorizationServer.Url },
        scopes_supported = Array.Empty<string>(),
        bearer_methods_supported = new[] { "header" },
        resource_documentation = "https://atproto.com",
    };

    public static object AuthorizationServer(PersonalDataServer server) => new
    {
        issuer = server.Url,
        request_parameter_supported = true,
        request_uri_parameter_supported = true,
        require_request_uri_registration = true,
        scopes_supported = new[] { "atproto", "transition:email", "transition:generic", "transition:chat.bsky" },
        subject_types_supported = new[] { "public" },
        response_types_supported = new[] { "code" },
        response_modes_supported = new[] { "query", "fragment", "form_post" },
        grant_types_supported = new[] { "authorization_code", "refresh_token" },
        code_challenge_methods_supported = new[] { "S256" },
        authorization_response_iss_parameter_supported = true,
        authorization_endpoint = $"{server.Url}/oauth/authorize",
        token_endpoint = $"{server.Url}/oauth/token",
        token_endpoint_auth_methods_supported = new[] { "none", "private_key_jwt" },
        token_endpoint_auth_signing_alg_values_supported = new[] { "ES256" },
        revocation_endpoint = $"{server.Url}/oauth/revoke",
        pushed_authorization_request_endpoint = $"{server.Url}/oauth/par",
        require_pushed_authorization_requests = true,
        dpop_signing_alg_values_supported = new[] { "ES256" },
        client_id_metadata_document_supported = true,
    };
}
