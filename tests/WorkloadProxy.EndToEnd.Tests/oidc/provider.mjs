// An ordinary OIDC provider whose clients get JWTs, signed as the resource's name says.
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const issuer = process.env.ISSUER;
const key = (type, options, alg) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), use: "sig", kid: alg, alg });
const client = (client_id) => ({ client_id, client_secret: "secret", grant_types: ["client_credentials"], redirect_uris: [], response_types: [], token_endpoint_auth_method: "client_secret_post" });
const provider = new Provider(issuer, {
  clients: [client("ci-pipeline"), client("another")],
  jwks: { keys: [key("rsa", { modulusLength: 2048 }, "PS256"), key("ec", { namedCurve: "P-256" }, "ES256"), key("ec", { namedCurve: "P-384" }, "ES384")] },
  clientAuthMethods: ["client_secret_post"],
  enabledJWA: { idTokenSigningAlgValues: ["PS256", "ES256", "ES384"] },
  clientDefaults: { id_token_signed_response_alg: "PS256" },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({ scope: "read", audience: resource, accessTokenTTL: 300, accessTokenFormat: "jwt", jwt: { sign: { alg: resource.split(":").at(-1) } } }),
    },
  },
});
provider.listen(new URL(issuer).port, "127.0.0.1");
