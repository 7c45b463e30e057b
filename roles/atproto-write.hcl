# Matches in the ATProto context alone (`aud`), and only tokens that were exchanged from this one team (the id in `sub`).
role "atproto-write" {
  aud      = "api://ATProto?actx={actx}"
  sub      = "actx:f81d4fae-7dec-11d0-a765-00a0c91e6bf6:role:atproto-write"
  policies = ["atproto-write"]
}
