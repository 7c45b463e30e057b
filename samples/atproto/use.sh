# What an agent runs on its Droplet: exchange the Droplet's identity for a token of the account's context, and post a record. DID_PLC and USER_DID name the account.
SUBJECT="actx:${TEAM_UUID}:role:atproto-write"
TOKEN=$(curl -sf \
  -H "Authorization: Bearer ${ID_TOKEN}" \
  -d@<(jq -n -c \
    --arg aud "api://ATProto?actx=${DID_PLC}" \
    --arg sub "${SUBJECT}" \
    --arg ttl 300 \
    '{aud: $aud, sub: $sub, ttl: ($ttl | fromjson)}') \
  "${URL}/v1/oidc/issue" \
  | jq -r .token)

curl -sf \
  -X POST \
  -H "Authorization: Bearer ${TOKEN}" \
  -H "Content-Type: application/json" \
  -d '{
    "repo": "'"${USER_DID}"'",
    "collection": "app.bsky.feed.post",
    "record": {
      "$type": "app.bsky.feed.post",
      "text": "Hello World",
      "createdAt": "'$(date -u +"%Y-%m-%dT%H:%M:%S.%3NZ")'"
    }
  }' \
  "${URL}/xrpc/com.atproto.repo.createRecord" | jq
