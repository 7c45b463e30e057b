role "deploy" {
  iss      = "https://kubernetes.default.svc.cluster.local"
  aud      = "workload-proxy"
  sub      = "system:serviceaccount:ci:deploy"
  policies = ["read-configmaps"]
}
