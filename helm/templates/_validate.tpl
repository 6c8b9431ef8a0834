{{/* What a schema cannot say: one sentence a mistake, all at once. */}}
{{- define "howdah.validate" -}}
{{- $problems := list -}}
{{- with .Values -}}
{{- if and (eq .auth.mode "sigv4") (not .auth.existingSecret) -}}
{{- $problems = append $problems "auth.existingSecret is missing: make keys with `howdah credentials create --credentials keys.yaml`, put them in a Secret with `kubectl create secret generic howdah-keys --from-file=keys.yaml` and name it; or say auth.mode=none, which lets whoever reaches the port do everything" -}}
{{- end -}}
{{- if and (eq .auth.mode "none") .auth.existingSecret -}}
{{- $problems = append $problems "auth.existingSecret names keys, but with auth.mode=none nobody is asked for them: say auth.mode=sigv4" -}}
{{- end -}}
{{- if eq .database.mode "external" -}}
{{- $external := .database.external -}}
{{- if not $external.existingSecret -}}
{{- $problems = append $problems "database.external.existingSecret is missing: name the Secret with your PostgreSQL's connection (its key `uri`, or split keys; CloudNativePG makes <cluster>-app); or say database.mode=embedded to try Howdah out" -}}
{{- end -}}
{{- if and $external.keys.uri (or $external.host $external.keys.host) -}}
{{- $problems = append $problems "the URI has a host already: for database.external.host or keys.host, the split keys, say keys.uri=\"\"" -}}
{{- end -}}
{{- if not $external.keys.uri -}}
{{- if and (not $external.keys.host) (not $external.host) -}}
{{- $problems = append $problems "database.external.host is missing: without keys.uri the host comes from there, or from the Secret's key that keys.host names" -}}
{{- end -}}
{{- if not $external.keys.password -}}
{{- $problems = append $problems "database.external.keys.password is missing: without keys.uri the password comes from that key of the Secret" -}}
{{- end -}}
{{- end -}}
{{- if and (hasPrefix "verify" (default "" $external.sslMode)) (not $external.sslRootCert.existingSecret) -}}
{{- $problems = append $problems (printf "database.external.sslMode=%s needs sslRootCert.existingSecret, the Secret with the authority of PostgreSQL's certificate" $external.sslMode) -}}
{{- end -}}
{{- else -}}
{{- if and (not .database.embedded.existingSecret) (not .database.embedded.password) -}}
{{- $problems = append $problems "database.embedded needs a password: database.embedded.existingSecret, or database.embedded.password to try Howdah out" -}}
{{- end -}}
{{- if gt (include "howdah.mostConnections" $ | int) (sub (int .database.embedded.maxConnections) 3 | int) -}}
{{- $problems = append $problems (printf "database.embedded.maxConnections=%d is too few: %s pods with %s connections each, one pod more during an update included, need %s, and PostgreSQL keeps 3" (int .database.embedded.maxConnections) (include "howdah.mostPods" $) (include "howdah.podConnections" $) (include "howdah.mostConnections" $)) -}}
{{- end -}}
{{- if eq .migrations.mode "hook" -}}
{{- $problems = append $problems "migrations.mode=hook runs before the embedded database is there: use startup or job" -}}
{{- end -}}
{{- end -}}
{{- if and .migrations.existingSecret (eq .migrations.mode "startup") -}}
{{- $problems = append $problems "migrations.existingSecret is for migrations.mode job and hook; with startup the servers' own role makes the schema" -}}
{{- end -}}
{{- if and .migrations.existingSecret (eq .database.mode "embedded") -}}
{{- $problems = append $problems "migrations.existingSecret is for an external database" -}}
{{- end -}}
{{- if and .existingConfigMap (or .config .queues) -}}
{{- $problems = append $problems "existingConfigMap takes the place of config and queues: give one or the other" -}}
{{- end -}}
{{- if le (mul 1000 (int .terminationGracePeriodSeconds)) (include "howdah.milliseconds" (dig "drain-timeout" "25s" (default dict .config)) | int64) -}}
{{- $problems = append $problems (printf "terminationGracePeriodSeconds=%d is not longer than drain-timeout=%s: pods would be killed while they still answer" (int .terminationGracePeriodSeconds) (dig "drain-timeout" "25s" (default dict .config) | toString)) -}}
{{- end -}}
{{- $foreign := dict "ClusterIP" (list "nodePort" "externalTrafficPolicy" "loadBalancerClass" "loadBalancerSourceRanges")
  "NodePort" (list "loadBalancerClass" "loadBalancerSourceRanges") "LoadBalancer" list -}}
{{- range get $foreign (default "ClusterIP" .service.type) -}}
{{- if get $.Values.service . -}}
{{- $problems = append $problems (printf "service.%s is not for service.type=%s" . $.Values.service.type) -}}
{{- end -}}
{{- end -}}
{{- if .tls.enabled -}}
{{- if and .tls.existingSecret .tls.certManager.enabled -}}
{{- $problems = append $problems "tls.existingSecret and tls.certManager exclude each other" -}}
{{- end -}}
{{- if not (or .tls.existingSecret .tls.certManager.enabled) -}}
{{- $problems = append $problems "tls.enabled needs tls.existingSecret or tls.certManager.enabled" -}}
{{- end -}}
{{- if and .tls.certManager.enabled (not (dig "name" "" (default dict .tls.certManager.issuerRef))) -}}
{{- $problems = append $problems "tls.certManager.issuerRef.name is missing" -}}
{{- end -}}
{{- else if or .tls.existingSecret .tls.certManager.enabled -}}
{{- $problems = append $problems "a certificate is given but tls.enabled is false" -}}
{{- end -}}
{{- if and .gateway.enabled (not .gateway.parentRefs) -}}
{{- $problems = append $problems "gateway.parentRefs is missing: name the Gateway that the HTTPRoute belongs to" -}}
{{- end -}}
{{- if and .gateway.backendTLSPolicy.enabled (not (and .gateway.enabled .tls.enabled)) -}}
{{- $problems = append $problems "gateway.backendTLSPolicy.enabled needs gateway.enabled and tls.enabled" -}}
{{- end -}}
{{- if and .ingress.enabled (not .ingress.hosts) -}}
{{- $problems = append $problems "ingress.hosts is missing" -}}
{{- end -}}
{{- if and .metrics.serviceMonitor.enabled .metrics.podMonitor.enabled -}}
{{- $problems = append $problems "metrics.serviceMonitor and metrics.podMonitor would scrape each pod twice: enable one" -}}
{{- end -}}
{{- if and .metrics.serviceMonitor.enabled (not .adminService.enabled) -}}
{{- $problems = append $problems "metrics.serviceMonitor needs adminService.enabled; or use metrics.podMonitor" -}}
{{- end -}}
{{- if .autoscaling.enabled -}}
{{- if lt (int .autoscaling.maxReplicas) (int .autoscaling.minReplicas) -}}
{{- $problems = append $problems "autoscaling.maxReplicas is less than autoscaling.minReplicas" -}}
{{- end -}}
{{- if not (or .autoscaling.targetCPUUtilizationPercentage .autoscaling.metrics) -}}
{{- $problems = append $problems "autoscaling needs targetCPUUtilizationPercentage or metrics" -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .extraEnv -}}
{{- if hasKey (include "howdah.serverEnv" $ | fromYaml) $name -}}
{{- $problems = append $problems (printf "extraEnv.%s is set by the chart itself: use the value it has for that" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\nhowdah:\n  - %s\n" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end }}
