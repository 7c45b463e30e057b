#!/usr/bin/env bash
# The step of action.yml: the job's identity token for the context, exchanged for a scoped one. Tokens go to curl by standard input, never on a command line, and are masked before anything else.
set -euo pipefail

fail() { echo "::error title=WorkloadProxy::$1" >&2; exit 1; }
[ -n "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ] || fail "the job has no permission to request an identity token: add \`permissions: id-token: write\`"
[[ $PROXY_CONTEXT == api://*?actx=?* ]] || fail "\`context\` is not \`api://<Upstream>?actx=<id>\`"
[[ $PROXY_TTL =~ ^[1-9][0-9]*$ ]] || fail "\`ttl\` is not a number of seconds"

ask() { # URL TOKEN [curl arguments]; prints the body, or fails with what the server said
  local url=$1 token=$2 answer
  shift 2
  if ! answer=$(curl -sS --fail-with-body --retry 2 --max-time 30 -H @- "$@" "$url" <<<"Authorization: Bearer $token"); then
    fail "${url%%\?*}: $(jq -r '.message // .' <<<"$answer" 2>/dev/null || echo "no answer")"
  fi
  printf '%s' "$answer"
}

audience=$(jq -rn --arg context "$PROXY_CONTEXT" '$context | @uri')
token=$(ask "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$audience" "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" | jq -er .value) || exit 1
echo "::add-mask::$token"
if [ -n "$PROXY_ROLE" ]; then
  body=$(jq -cn --arg aud "$PROXY_CONTEXT" --arg sub "actx:${PROXY_CONTEXT#*\?actx=}:role:$PROXY_ROLE" --argjson ttl "$PROXY_TTL" '{$aud, $sub, $ttl}')
  token=$(ask "${PROXY_URL%/}/v1/oidc/issue" "$token" -H "Content-Type: application/json" -d "$body" | jq -er .token) || exit 1
  echo "::add-mask::$token"
fi
echo "token=$token" >> "$GITHUB_OUTPUT"
