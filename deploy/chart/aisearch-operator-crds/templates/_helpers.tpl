{{- /* Labels and annotations of a CustomResourceDefinition: kept means that neither Helm nor Argo CD deletes it. */}}
{{- define "aisearch-operator.crdMetadata" -}}
labels:
  helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
  app.kubernetes.io/name: {{ .Chart.Name }}
  app.kubernetes.io/instance: {{ .Release.Name }}
  app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .Release.Service }}
  app.kubernetes.io/part-of: aisearch-operator
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
