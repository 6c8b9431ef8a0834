{{/* Names, labels and the parts that pods share. */}}

{{- define "howdah.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 46 | trimSuffix "-" -}}
{{- end }}

{{/* At most 43 characters, so that every suffix fits in a label: pods of a StatefulSet have its name and eleven more in one.
Begins with a letter, as names of Services must. */}}
{{- define "howdah.fullname" -}}
{{- $name := include "howdah.name" . -}}
{{- $full := .Values.fullnameOverride -}}
{{- if not $full -}}
{{- $full = ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- end -}}
{{- if regexMatch "^[0-9]" $full -}}{{- $full = printf "howdah-%s" .Release.Name -}}{{- end -}}
{{- if gt (len $full) 43 -}}
{{- $full = printf "%s-%s" (trunc 34 $full | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- end -}}
{{- $full -}}
{{- end }}

{{- define "howdah.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end }}

{{- define "howdah.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "howdah.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{/* (root, component): they never change, as a Deployment's selector cannot. toYaml quotes what needs it. */}}
{{- define "howdah.selectorLabels" -}}
{{- dict "app.kubernetes.io/name" (include "howdah.name" .root) "app.kubernetes.io/instance" .root.Release.Name
  "app.kubernetes.io/component" .component | toYaml -}}
{{- end }}

{{/* (root, component, more): */}}
{{- define "howdah.labels" -}}
{{- $all := dict
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/managed-by" .root.Release.Service
  "app.kubernetes.io/part-of" "howdah" -}}
{{- mergeOverwrite $all (deepCopy (default dict .root.Values.commonLabels)) (deepCopy (default dict .more))
  (include "howdah.selectorLabels" . | fromYaml) | toYaml -}}
{{- end }}

{{/* (root, component, more): of a pod. Without the chart's version, since a new chart alone need not restart pods. */}}
{{- define "howdah.podLabels" -}}
{{- omit (include "howdah.labels" . | fromYaml) "helm.sh/chart" "app.kubernetes.io/managed-by" | toYaml -}}
{{- end }}

{{/* (root, component, suffix, namespace, labels, annotations): what stands under `metadata:`. */}}
{{- define "howdah.metadata" -}}
name: {{ printf "%s%s" (include "howdah.fullname" .root) (default "" .suffix) | quote }}
namespace: {{ default (include "howdah.namespace" .root) .namespace | quote }}
labels:
  {{- include "howdah.labels" (dict "root" .root "component" .component "more" .labels) | nindent 2 }}
{{- with mergeOverwrite (deepCopy (default dict .root.Values.commonAnnotations)) (deepCopy (default dict .annotations)) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* (image, tag): */}}
{{- define "howdah.imageOf" -}}
{{- $at := ternary (printf "@%s" .image.digest) (printf ":%s" (default .tag .image.tag)) (ne .image.digest "") -}}
{{- printf "%s%s%s" (ternary "" (printf "%s/" .image.registry) (eq .image.registry "")) .image.repository $at -}}
{{- end }}

{{- define "howdah.image" -}}
{{- include "howdah.imageOf" (dict "image" .Values.image "tag" .Chart.AppVersion) -}}
{{- end }}

{{/* Milliseconds of a duration as the settings have it: a number with ms, s, m, h or d. */}}
{{- define "howdah.milliseconds" -}}
{{- $factors := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "" 0 -}}
{{- mul (regexFind "^[0-9]+" (toString .) | int64) (get $factors (regexReplaceAll "^[0-9]+" (toString .) "")) -}}
{{- end }}

{{- define "howdah.databaseSecret" -}}
{{- with .Values.database -}}
{{- if eq .mode "external" -}}
{{- .external.existingSecret -}}
{{- else -}}
{{- default (printf "%s-postgres" (include "howdah.fullname" $)) .embedded.existingSecret -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The image's defaults for those who run it by hand, taken back: empty counts as not said. */}}
{{- define "howdah.noImageEnv" -}}
HOWDAH_ADMIN_LISTEN: {value: ""}
HOWDAH_DATA_DIR: {value: ""}
HOWDAH_LISTEN: {value: ""}
{{- end }}

{{/* (root, secret): environment by name, of which libpq or the server make their connection. */}}
{{- define "howdah.databaseEnv" -}}
{{- $database := .root.Values.database -}}
{{- $env := include "howdah.noImageEnv" . | fromYaml -}}
{{- if eq $database.mode "embedded" -}}
{{- $_ := set $env "PGHOST" (dict "value" (printf "%s-postgres" (include "howdah.fullname" .root))) -}}
{{- $_ := set $env "PGUSER" (dict "value" "howdah") -}}
{{- $_ := set $env "PGDATABASE" (dict "value" "howdah") -}}
{{- $_ := set $env "PGPASSWORD" (dict "valueFrom" (dict "secretKeyRef" (dict "name" .secret "key"
  (ternary $database.embedded.existingSecretKey "password" (ne $database.embedded.existingSecret ""))))) -}}
{{- else -}}
{{- $external := $database.external -}}
{{- if $external.keys.uri -}}
{{- $_ := set $env "HOWDAH_DATABASE_URL_FILE" (dict "value" "/etc/howdah/database/uri") -}}
{{- else -}}
{{- range $key, $variable := dict "host" "PGHOST" "port" "PGPORT" "user" "PGUSER" "dbname" "PGDATABASE" "password" "PGPASSWORD" -}}
{{- with get $external.keys $key -}}
{{- $_ := set $env $variable (dict "valueFrom" (dict "secretKeyRef" (dict "name" $.secret "key" .))) -}}
{{- else -}}
{{- $_ := set $env $variable (dict "value" (get $external $key | toString)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $external.sslMode -}}{{- $_ := set $env "PGSSLMODE" (dict "value" .) -}}{{- end -}}
{{- if $external.sslRootCert.existingSecret -}}
{{- $_ := set $env "PGSSLROOTCERT" (dict "value" "/etc/howdah/database-ca/ca.crt") -}}
{{- end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end }}

{{/* (root, secret): volumes that go with it, as {items: […]}. */}}
{{- define "howdah.databaseVolumes" -}}
{{- $items := list -}}
{{- with .root.Values.database -}}
{{- if eq .mode "external" -}}
{{- with .external.keys.uri -}}
{{- $items = append $items (dict "name" "database" "secret" (dict "secretName" $.secret "defaultMode" 288
  "items" (list (dict "key" . "path" "uri")))) -}}
{{- end -}}
{{- with .external.sslRootCert -}}
{{- if .existingSecret -}}
{{- $items = append $items (dict "name" "database-ca" "secret" (dict "secretName" .existingSecret "defaultMode" 288
  "items" (list (dict "key" .key "path" "ca.crt")))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml (dict "items" $items) -}}
{{- end }}

{{- define "howdah.credentialsVolume" -}}
name: credentials
secret:
  secretName: {{ .Values.auth.existingSecret | quote }}
  defaultMode: 288
{{- end }}

{{- define "howdah.tlsSecret" -}}
{{- default (printf "%s-tls" (include "howdah.fullname" .)) .Values.tls.existingSecret -}}
{{- end }}

{{- define "howdah.scheme" -}}
{{- ternary "https" "http" .Values.tls.enabled -}}
{{- end }}

{{/* Of the Service, from anywhere in the cluster; a certificate must have this name. */}}
{{- define "howdah.host" -}}
{{- printf "%s.%s.svc" (include "howdah.fullname" .) (include "howdah.namespace" .) -}}
{{- end }}

{{- define "howdah.configMap" -}}
{{- default (include "howdah.fullname" .) .Values.existingConfigMap -}}
{{- end }}

{{/* The config file. */}}
{{- define "howdah.config" -}}
{{- $file := deepCopy (default dict .Values.config) -}}
{{- if not (hasKey $file "log-format") -}}{{- $_ := set $file "log-format" "json" -}}{{- end -}}
{{- with .Values.queues -}}{{- $_ := set $file "queues" . -}}{{- end -}}
{{- toYaml $file -}}
{{- end }}

{{/* Pods at most, while new ones replace old ones as well. */}}
{{- define "howdah.mostPods" -}}
{{- $pods := ternary (int .Values.autoscaling.maxReplicas) (int .Values.replicaCount) .Values.autoscaling.enabled -}}
{{- $surge := dig "rollingUpdate" "maxSurge" 1 (default dict .Values.updateStrategy) -}}
{{- if hasSuffix "%" (toString $surge) -}}
{{- $surge = ceil (divf (mulf $pods (trimSuffix "%" $surge | float64)) 100) -}}
{{- end -}}
{{- add $pods (int $surge) -}}
{{- end }}

{{/* Connections of one pod: those that work, one that listens, one that keeps house. */}}
{{- define "howdah.podConnections" -}}
{{- add 2 (int (dig "database-connections" 6 (default dict .Values.config))) -}}
{{- end }}

{{- define "howdah.mostConnections" -}}
{{- mul (include "howdah.mostPods" .) (include "howdah.podConnections" .) -}}
{{- end }}

{{/* (root, path, extra): a probe whose request is ours; extra is what the values say of it. */}}
{{- define "howdah.probe" -}}
httpGet:
  path: {{ .path }}
  port: admin
  scheme: {{ include "howdah.scheme" .root | upper }}
{{- with .extra }}
{{ toYaml . }}
{{- end }}
{{- end }}
