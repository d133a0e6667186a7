{{/*
What a pod needs to have sloctl in it. A chart that depends on this one includes them with .Subcharts.sloctl:
deploy/payments-api shows how. Each is a list, or nothing.
*/}}

{{- define "sloctl.podAnnotations" -}}
checksum/sloctl-configuration: {{ include "sloctl.configuration" . | sha256sum }}
{{- if .Values.metrics.annotations }}
prometheus.io/scrape: "true"
prometheus.io/port: {{ .Values.web.port | quote }}
prometheus.io/scheme: {{ empty .Values.web.tlsSecret | ternary "http" "https" }}
{{- end }}
{{- end -}}

{{- define "sloctl.initContainers" -}}
{{- if .Values.sidecar.native -}}
{{- include "sloctl.container" . }}
  restartPolicy: Always
{{- end -}}
{{- end -}}

{{- define "sloctl.containers" -}}
{{- if not .Values.sidecar.native -}}
{{- include "sloctl.container" . }}
{{- end -}}
{{- end -}}

{{- define "sloctl.container" -}}
- name: sloctl
  image: {{ include "sloctl.image" . | quote }}
  {{- with .Values.image.pullPolicy }}
  imagePullPolicy: {{ . }}
  {{- end }}
  command: [sloctl, sidecar, /etc/sloctl/specs, --config, /etc/sloctl/configuration/sidecar.yaml]
  {{- with .Values.env }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - name: sloctl
      containerPort: {{ .Values.web.port }}
      protocol: TCP
  {{- include "sloctl.probes" . | nindent 2 }}
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  securityContext:
    {{- include "sloctl.securityContext" . | nindent 4 }}
  volumeMounts:
    - name: sloctl-configuration
      mountPath: /etc/sloctl/configuration
      readOnly: true
    - name: sloctl-specs
      mountPath: /etc/sloctl/specs
      readOnly: true
    - name: {{ include "sloctl.dataVolume" . }}
      mountPath: /data
    {{- if .Values.web.tokenSecret.name }}
    - name: sloctl-token
      mountPath: /etc/sloctl/token
      readOnly: true
    {{- end }}
    {{- if .Values.web.tlsSecret }}
    - name: sloctl-tls
      mountPath: /etc/sloctl/tls
      readOnly: true
    {{- end }}
    {{- range .Values.secrets }}
    - name: sloctl-secret-{{ . }}
      mountPath: /etc/sloctl/secrets/{{ . }}
      readOnly: true
    {{- end }}
{{- end -}}

{{- define "sloctl.dataVolume" -}}
{{- and (eq .Values.mode "central") .Values.persistence.enabled | ternary "data" "sloctl-data" -}}
{{- end -}}

{{/*
In a pod of yours only the container's own life is watched: readiness would take your service out of its
Service until its first scrape, and a start-up probe would keep it from starting. Filling a month from a
Prometheus may take two minutes without a tick, and is no reason to be restarted.
*/}}
{{- define "sloctl.probes" -}}
{{- $scheme := empty .Values.web.tlsSecret | ternary "HTTP" "HTTPS" -}}
{{- if eq .Values.mode "central" -}}
startupProbe:
  httpGet: {path: /healthz, port: sloctl, scheme: {{ $scheme }}}
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: {path: /readyz, port: sloctl, scheme: {{ $scheme }}}
  periodSeconds: 5
  timeoutSeconds: 3
{{ end -}}
livenessProbe:
  httpGet: {path: /healthz, port: sloctl, scheme: {{ $scheme }}}
  {{- if ne .Values.mode "central" }}
  initialDelaySeconds: 30
  {{- end }}
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}

{{/* "restricted" of the Pod Security Standards, said by the container itself: it holds in any pod. */}}
{{- define "sloctl.securityContext" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: {{ int64 .Values.userId }}
runAsGroup: {{ int64 .Values.userId }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "sloctl.volumes" -}}
- name: sloctl-configuration
  configMap:
    name: {{ include "sloctl.fullname" . }}
- name: sloctl-specs
  configMap:
    name: {{ include "sloctl.specsName" . }}
{{- if eq (include "sloctl.dataVolume" .) "sloctl-data" }}
- name: sloctl-data
  emptyDir:
    sizeLimit: {{ .Values.persistence.emptyDirSize }}
{{- end }}
{{- with .Values.web.tokenSecret.name }}
- name: sloctl-token
  secret:
    secretName: {{ . }}
{{- end }}
{{- with .Values.web.tlsSecret }}
- name: sloctl-tls
  secret:
    secretName: {{ . }}
{{- end }}
{{- range .Values.secrets }}
- name: sloctl-secret-{{ . }}
  secret:
    secretName: {{ . }}
{{- end }}
{{- end -}}
