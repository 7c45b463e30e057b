// The proxy as an issuer, seen by the clients that people use: discovery and token exchange by openid-client, verification by jose.
// ISSUER, SUBJECT_TOKEN, AUDIENCE, SCOPE → one line of JSON.
import * as oidc from 'openid-client';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const { ISSUER, SUBJECT_TOKEN, AUDIENCE, SCOPE } = process.env;
const config = await oidc.discovery(new URL(ISSUER), 'end-to-end', undefined, oidc.None(), { execute: [oidc.allowInsecureRequests] });
const exchanged = await oidc.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
  subject_token: SUBJECT_TOKEN,
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  audience: AUDIENCE,
  scope: SCOPE,
});
const metadata = config.serverMetadata();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const { payload, protectedHeader } = await jwtVerify(exchanged.access_token, keys, { issuer: metadata.issuer, audience: AUDIENCE, typ: 'JWT' });
console.log(JSON.stringify({ exchanged, payload, protectedHeader, metadata }));
