{{/* Environment by name that the chart gives the server. */}}
{{- define "howdah.serverEnv" -}}
{{- $env := include "howdah.databaseEnv" (dict "root" . "secret" (include "howdah.databaseSecret" .)) | fromYaml -}}
{{- $_ := set $env "HOWDAH_CONFIG" (dict "value" "/etc/howdah/config/howdah.yaml") -}}
{{- $_ := set $env "HOWDAH_LISTEN" (dict "value" (printf "%s:9324" .Values.listenAddress)) -}}
{{- $_ := set $env "HOWDAH_ADMIN_LISTEN" (dict "value" (printf "%s:9325" .Values.listenAddress)) -}}
{{- $_ := set $env "HOWDAH_AUTH" (dict "value" .Values.auth.mode) -}}
{{- if eq .Values.auth.mode "sigv4" -}}
{{- $_ := set $env "HOWDAH_CREDENTIALS" (dict "value" "/etc/howdah/credentials") -}}
{{- end -}}
{{- if .Values.admin.existingSecret -}}
{{- $_ := set $env "HOWDAH_ADMIN_TOKEN_FILE" (dict "value" "/etc/howdah/admin/token") -}}
{{- end -}}
{{- if .Values.tls.enabled -}}
{{- $_ := set $env "HOWDAH_TLS_CERT_FILE" (dict "value" "/etc/howdah/tls/tls.crt") -}}
{{- $_ := set $env "HOWDAH_TLS_KEY_FILE" (dict "value" "/etc/howdah/tls/tls.key") -}}
{{- end -}}
{{- toYaml $env -}}
{{- end }}

{{/* A map of environment as the list that pods have, in the order of names. */}}
{{- define "howdah.envList" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  value: {{ ternary $value (toJson $value) (kindIs "string" $value) | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What every pod of ours has beside its containers and volumes. */}}
{{- define "howdah.podSpec" -}}
serviceAccountName: {{ include "howdah.serviceAccountName" . | quote }}
automountServiceAccountToken: {{ .Values.serviceAccount.automount }}
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
