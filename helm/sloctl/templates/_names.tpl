{{- define "sloctl.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 50 characters leave room for what is appended, within the 63 of a label and of a Service. */}}
{{- define "sloctl.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $full .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "sloctl.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sloctl.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the pod of `helm test`, which the Service must not choose. */}}
{{- define "sloctl.testLabels" -}}
app.kubernetes.io/name: {{ include "sloctl.name" . | trunc 58 }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the pod of the Job that compiles, which the Service must not choose either. */}}
{{- define "sloctl.compileLabels" -}}
app.kubernetes.io/name: {{ include "sloctl.name" . | trunc 55 }}-compile
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sloctl.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "sloctl.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "sloctl.serviceAccountName" -}}
{{- default (.Values.serviceAccount.create | ternary (include "sloctl.fullname" .) "default") .Values.serviceAccount.name -}}
{{- end -}}

{{- define "sloctl.specsName" -}}
{{- default (printf "%s-specs" (include "sloctl.fullname" .)) .Values.specs.existingConfigMap -}}
{{- end -}}

{{/* The name of the object made of a file: (list context file). Two files never share one. */}}
{{- define "sloctl.fileName" -}}
{{- $stem := index . 1 | base | trimSuffix (index . 1 | ext) -}}
{{- $plain := regexReplaceAll "[^a-z0-9]+" (lower $stem) "-" | trimAll "-" | trunc 180 | trimSuffix "-" -}}
{{- $same := eq $plain $stem | ternary $plain (printf "%s-%s" $plain (sha256sum $stem | trunc 8) | trimPrefix "-") -}}
{{- printf "%s-%s" (include "sloctl.fullname" (index . 0)) $same -}}
{{- end -}}

{{/* As JSON: the files of .Values.<part>.files and of the chart. (list context part) */}}
{{- define "sloctl.filesOf" -}}
{{- $given := index (index . 0).Values (index . 1) -}}
{{- $files := dict -}}
{{- range $path, $content := (index . 0).Files.Glob $given.chartFiles -}}
{{- $_ := set $files (base $path) (toString $content) -}}
{{- end -}}
{{- merge (deepCopy $given.files) $files | toJson -}}
{{- end -}}

{{- define "sloctl.image" -}}
{{- with .Values.image -}}
{{- if not .repository -}}
{{- fail "image.repository is missing: where you keep the image that sloctl's Dockerfile builds, as in --set image.repository=registry.example.com/sloctl" -}}
{{- end -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{- end -}}
{{- end -}}
{{- end -}}
