# A provider of npm, and the proxy before it: PROXY is the command that starts the proxy.
set -euo pipefail
npm ci --no-audit --no-fund --ignore-scripts >npm.log 2>&1 || { cat npm.log >&2; exit 1; }
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
port=$((20000 + RANDOM % 20000)) url="http://127.0.0.1:$((port + 1))"
export ISSUER="http://127.0.0.1:$port"
node provider.mjs >provider.log 2>&1 &
until curl -sf "$ISSUER/.well-known/openid-configuration" >discovery.json; do kill -0 $! || { cat provider.log >&2; exit 1; }; sleep 0.1; done

mkdir -p rbac/roles rbac/policies
cat >rbac/roles/ci.hcl <<HCL
role "ci" {
  iss      = "$ISSUER"
  aud      = "urn:registry:*"
  groups   = "client:ci-pipeline"
  policies = ["keys"]
}
HCL
printf 'path "/jwks" {\n  capabilities = ["read"]\n}\n' >rbac/policies/keys.hcl
jq -n --arg issuer "$ISSUER" --arg url "$url" '{ PublicUrl: $url, Urls: $url, DataDirectory: "data", Audit: { File: "audit.jsonl" }, Upstreams: { Registry: { Kind: "http", Address: $issuer } },
  Issuers: [{ Issuer: $issuer, ClientGroups: true }], Audiences: [{ Audience: "*", Issuer: $issuer, Context: "api://Registry?actx=r" }],
  Policies: [{ Context: "api://Registry?actx=r", Directory: "rbac" }], Credentials: [{ Context: "api://Registry?actx=r", Kind: "None" }] }' >config.json
$PROXY --config config.json 2>proxy.log &
until curl -sf "$url/health/ready" >ready.json; do kill -0 $! || { cat proxy.log >&2; exit 1; }; sleep 0.1; done

token() { curl -sS "$ISSUER/token" -d grant_type=client_credentials -d client_id="$1" -d client_secret=secret -d scope=read -d resource="urn:registry:$2" | jq -r .access_token; }
status() { curl -s -o answer.json -w '%{http_code}' -H "Authorization: Bearer $1" "$url/jwks"; }
for algorithm in PS256 ES256 ES384; do
  token=$(token ci-pipeline "$algorithm")
  echo "$(cut -d. -f1 <<<"$token" | tr '_-' '/+' | base64 -d 2>/dev/null | jq -r '.typ + " " + .alg'): $(status "$token")"
done
echo "another client: $(status "$(token another PS256)")"
echo "a bad signature: $(status "${token%.*}.c2lnbmF0dXJl")"
