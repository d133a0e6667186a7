{{/* The names that reach us without a token: ours, and those we are published under. As JSON. */}}
{{- define "sloctl.allowedHosts" -}}
{{- $names := .Values.web.allowedHosts -}}
{{- if eq .Values.mode "central" -}}
{{- $service := include "sloctl.fullname" . -}}
{{- $inNamespace := printf "%s.%s" $service .Release.Namespace -}}
{{- $names = concat $names (list $service $inNamespace (printf "%s.svc" $inNamespace) (printf "%s.svc.cluster.local" $inNamespace)) -}}
{{- if .Values.ingress.enabled -}}
{{- range .Values.ingress.hosts -}}{{- $names = append $names .host -}}{{- end -}}
{{- end -}}
{{- if .Values.httpRoute.enabled -}}{{- $names = concat $names .Values.httpRoute.hostnames -}}{{- end -}}
{{- end -}}
{{- uniq $names | toJson -}}
{{- end -}}

{{- define "sloctl.configuration" -}}
{{- $given := .Values.configuration -}}
{{- if not $given.source -}}
{{- fail "configuration.source is missing: say what is watched, by one of scrape, prometheus and otlp, as in --set configuration.source.prometheus.url=http://prometheus-operated.monitoring:9090" -}}
{{- end -}}
{{- $web := dict "listen" (printf "%s:%d" .Values.web.host (int .Values.web.port)) -}}
{{- with include "sloctl.allowedHosts" . | fromJsonArray -}}{{- $_ := set $web "allowedHosts" . -}}{{- end -}}
{{- if .Values.web.tokenSecret.name -}}
{{- $_ := set $web "tokenFile" (printf "/etc/sloctl/token/%s" .Values.web.tokenSecret.key) -}}
{{- end -}}
{{- if .Values.web.tlsSecret -}}
{{- $_ := set $web "tls" (dict "certFile" "/etc/sloctl/tls/tls.crt" "keyFile" "/etc/sloctl/tls/tls.key") -}}
{{- end -}}
{{- $written := dict "apiVersion" "sloctl.dev/v1" "kind" "SidecarConfiguration" "store" (dict "path" "/data/slo.db") "web" $web -}}
{{- range $key, $value := $given -}}
{{- if $value -}}{{- $_ := set $written $key $value -}}{{- end -}}
{{- end -}}
{{- toYaml $written -}}
{{- end -}}
