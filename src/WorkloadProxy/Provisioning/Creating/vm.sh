#!/bin/sh
# Gives this VM its workload identity: proves to the proxy, with the SSH host key, which VM this is, and keeps the tokens fresh.
# Needs curl, OpenSSH and coreutils. Whatever becomes of it, it ends with 0: scripts beside it run.
#   (no argument)  installs itself with a systemd timer, and tries for up to two minutes to get the first tokens
#   run            gets new tokens, by the refresh token or, without a good one, by the host key
umask 077
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
LC_ALL=C
export LC_ALL

url=@URL@
team=@TEAM@
secrets=/root/secrets/digitalocean.com/serviceaccount
state=/var/lib/workload-proxy
program=/usr/local/sbin/workload-proxy-identity
units=/etc/systemd/system
sshd_config=/etc/ssh
instance_id=/var/lib/cloud/data/instance-id

say() { echo "workload-proxy: $*" >&2; }

# put FILE: replaces FILE by what comes on standard input, whole or not at all, and never by nothing
put() {
  draft=$(mktemp "$1.XXXXXX") || return 1
  if cat >"$draft" && [ -s "$draft" ] && sync "$draft" && mv -f "$draft" "$1"; then return 0; fi
  rm -f "$draft"
  return 1
}

# field NAME TEXT: a string of the JSON object TEXT; tokens hold no character that JSON escapes
field() {
  case $2 in *"\"$1\":\""*) ;; *) return 1 ;; esac
  rest=${2#*"\"$1\":\""}
  printf %s "${rest%%\"*}"
}

# post PATH TOKEN [FILE]: sets `status` and `answer`. Nothing secret is an argument, where other users of this VM would see it.
post() {
  answer=$(printf 'header = "Authorization: Bearer %s"\n' "$2" | curl -sS --max-time 20 --proto =https,http --max-redirs 0 -K - -w '\n%{http_code}' \
    -X POST -H 'Content-Type: application/json' ${3:+--data-binary "@$3"} "$url$1") || answer="
000"
  status=${answer##*"
"}
  answer=${answer%"
"*}
}

# keep: stores what a good answer holds, the refresh token first: it serves once
keep() {
  refresh=$(field refresh_token "$answer") && token=$(field token "$answer") || return 1
  [ -n "$refresh" ] && [ -n "$token" ] || return 1
  mkdir -p "$secrets" && chmod 700 "$secrets" || return 1
  printf %s "$refresh" | put "$secrets/refresh_token" || return 1
  printf %s "$url" | put "$secrets/base_url" || return 1
  printf %s "$team" | put "$secrets/team_uuid" || return 1
  printf %s "$token" | put "$secrets/token"
}

host_keys() {
  found=$(sshd -T 2>/dev/null | while read -r name value; do [ "$name" = hostkey ] && echo "$value"; done)
  [ -n "$found" ] || found="$sshd_config/ssh_host_ed25519_key $sshd_config/ssh_host_ecdsa_key $sshd_config/ssh_host_rsa_key"
  # the key that served before goes first
  echo "$(cat "$state/host_key" 2>/dev/null)" $found
}

refresh() {
  [ -s "$secrets/refresh_token" ] || return 1
  # a reply that was lost is given again within a minute
  for attempt in 1 2; do
    post /v1/oidc/refresh "$(cat "$secrets/refresh_token")"
    case $status in
      200) keep && return 0 ;;
      401) say "the refresh token is not good any more: proving again"; return 1 ;;
      403) say "no identity any more: $answer"; return 2 ;;
    esac
    [ $attempt = 1 ] && sleep 5
  done
  say "no answer from $url ($status)"
  return 2
}

prove() {
  [ -s "$state/provisioning_token" ] || { say "no provisioning token"; return 1; }
  provisioning=$(cat "$state/provisioning_token")
  for key in $(host_keys); do
    [ -r "$key" ] || continue
    signature=$(printf %s "$provisioning" | ssh-keygen -Y sign -n prove-sshd -f "$key" 2>/dev/null) || continue
    printf '{"sig":"' >"$state/proof" || return 1
    while IFS= read -r line; do printf '%s\\n' "$line"; done >>"$state/proof" <<SIGNATURE
$signature
SIGNATURE
    printf '"}' >>"$state/proof"
    post /v1/oidc/prove "$provisioning" "$state/proof"
    rm -f "$state/proof"
    case $status in
      200) keep || return 1; printf %s "$key" | put "$state/host_key"; return 0 ;;
      401) ;;
      *) break ;;
    esac
  done
  say "not proved yet ($status): $answer"
  return 1
}

# A VM that was made from another one's snapshot has that one's files: using them would end the other's identity.
is_copy() { [ "$(cat "$state/instance" 2>/dev/null)" != "$(cat "$instance_id" 2>/dev/null)" ]; }

run() {
  if is_copy; then say "these files are another VM's"; return 1; fi
  refresh
  case $? in
    0) return 0 ;;
    2) return 1 ;;
  esac
  prove
}

if [ "$1" = run ]; then
  run
  exit
fi

if mkdir -p "$state" && chmod 700 "$state"; then
  is_copy && rm -f "$state/host_key" "$state/instance" "$secrets/token" "$secrets/refresh_token"
  [ -s "$instance_id" ] && put "$state/instance" <"$instance_id"
  printf %s @TOKEN@ | put "$state/provisioning_token"
fi
cat "$0" | put "$program" && chmod 700 "$program"
if command -v systemctl >/dev/null 2>&1; then
  put "$units/workload-proxy-identity.service" <<UNIT
[Unit]
Description=Fresh workload identity tokens
Wants=network-online.target
# a copy of another VM learns early at its first boot that it is one; not after all of cloud-init, whose scripts may take longer than a token lives
After=network-online.target ssh.service sshd.service cloud-init.service cloud-init-network.service

[Service]
Type=oneshot
ExecStart=$program run
UNIT
  put "$units/workload-proxy-identity.timer" <<UNIT
[Unit]
Description=Fresh workload identity tokens every 5 minutes

[Timer]
OnCalendar=*:0/5
RandomizedDelaySec=30
Persistent=true

[Install]
WantedBy=timers.target
UNIT
  chmod 644 "$units/workload-proxy-identity.service" "$units/workload-proxy-identity.timer"
  systemctl daemon-reload
  systemctl enable --now workload-proxy-identity.timer
else
  say "no systemd: run \`$program run\` every 5 minutes"
fi
end=$(($(date +%s) + 100))
while ! run && [ "$(date +%s)" -lt $end ]; do sleep 10; done
exit 0
