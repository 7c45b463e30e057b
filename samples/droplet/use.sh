#!/usr/bin/env bash
set -euo pipefail
secrets=/root/secrets/digitalocean.com/serviceaccount
url=$(cat "$secrets/base_url")
team=$(cat "$secrets/team_uuid")

token=$(curl -sf -H "Authorization: Bearer $(cat "$secrets/token")" \
  -d "{\"aud\": \"api://DigitalOcean?actx=${team}\", \"sub\": \"actx:${team}:role:database-and-spaces-keys-access\", \"ttl\": 300}" \
  "${url}/v1/oidc/issue" | jq -r .token)

curl -sf -H "Authorization: Bearer ${token}" "${url}/v2/databases?tag_name=my-tag" | jq -r '.databases[].connection.uri'
