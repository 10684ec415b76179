{{- define "aisearch-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* At most 52 letters, so that what is put behind it still fits a name. */}}
{{- define "aisearch-operator.fullname" -}}
{{- $name := include "aisearch-operator.name" . }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- .Values.fullnameOverride | default $full | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "aisearch-operator.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- define "aisearch-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "aisearch-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aisearch-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "aisearch-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: aisearch-operator
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Name and labels of an object. Takes the root, and what stands behind the full name. */}}
{{- define "aisearch-operator.metadata" -}}
name: {{ include "aisearch-operator.fullname" .root }}{{ with .suffix }}-{{ . }}{{ end }}
labels:
  {{- include "aisearch-operator.labels" .root | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "aisearch-operator.namespacedMetadata" -}}
{{ include "aisearch-operator.metadata" . }}
namespace: {{ include "aisearch-operator.namespace" .root }}
{{- end }}

{{- /* Labels and annotations of a CustomResourceDefinition: kept means that neither Helm nor Argo CD deletes it. */}}
{{- define "aisearch-operator.crdMetadata" -}}
labels:
  {{- include "aisearch-operator.labels" . | nindent 2 }}
  {{- with .Values.crds.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $annotations := deepCopy (.Values.crds.annotations | default dict) }}
{{- if .Values.crds.keep }}
{{- $_ := set $annotations "helm.sh/resource-policy" "keep" }}
{{- if not (hasKey $annotations "argocd.argoproj.io/sync-options") }}
{{- $_ := set $annotations "argocd.argoproj.io/sync-options" "Prune=false" }}
{{- end }}
{{- end }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "aisearch-operator.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "aisearch-operator.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "aisearch-operator.image" -}}
{{- $image := .Values.image }}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* Whether the chart makes the Secret with the operator's own credentials: "true" or nothing. */}}
{{- define "aisearch-operator.makesSecret" -}}
{{- if or .Values.credentials.accountId .Values.credentials.apiToken .Values.credentials.apiKey }}true{{ end }}
{{- end }}

{{- /* The Secret with the operator's own credentials; empty when it has none. */}}
{{- define "aisearch-operator.credentialsSecretName" -}}
{{- if .Values.credentials.existingSecret }}
{{- .Values.credentials.existingSecret }}
{{- else if include "aisearch-operator.makesSecret" . }}
{{- include "aisearch-operator.fullname" . }}-credentials
{{- end }}
{{- end }}

{{- /* A setting as the operator reads it from the environment; numbers of YAML would become 1.2e+06. */}}
{{- define "aisearch-operator.settingValue" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}
