{{- define "workload-proxy.name" -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{- define "workload-proxy.selector" -}}
app.kubernetes.io/name: workload-proxy
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "workload-proxy.labels" -}}
{{ include "workload-proxy.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- /* the configuration file: what the values say, with the addresses and directories of this pod */ -}}
{{- define "workload-proxy.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $_ := required "config.PublicUrl is missing: the proxy's URL as its callers see it" $config.PublicUrl -}}
{{- $_ := set $config "Urls" "http://0.0.0.0:8080" -}}
{{- $_ := set $config "DataDirectory" "/data" -}}
{{- if .Values.masterKey.existingSecret -}}
{{- $_ := set $config "MasterKeyFile" "/run/secrets/workload-proxy-master-key/master-key" -}}
{{- end -}}
{{- toPrettyJson $config -}}
{{- end -}}
