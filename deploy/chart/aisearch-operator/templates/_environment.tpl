{{- /* The operator's settings: what follows from other values, then those of `settings`. */}}
{{- define "aisearch-operator.env" -}}
- name: AISEARCH_HTTP_PORT
  value: {{ .Values.httpPort | quote }}
{{- with .Values.watchNamespaces }}
- name: AISEARCH_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.sharding.labelSelector }}
- name: AISEARCH_LABEL_SELECTOR
  value: {{ . | quote }}
{{- end }}
{{- if gt (int .Values.sharding.shards) 1 }}
- name: AISEARCH_BUDGET_SHARDS
  value: {{ int .Values.sharding.shards | quote }}
{{- end }}
{{- if .Values.leaderElection.enabled }}
- name: AISEARCH_LEASE_NAME
  value: {{ include "aisearch-operator.fullname" . }}
- name: AISEARCH_LEASE_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- end }}
{{- with include "aisearch-operator.credentialsSecretName" . }}
- name: AISEARCH_ACCOUNT_ID
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: accountId
{{- range $variable, $key := dict "AISEARCH_API_TOKEN" "apiToken" "AISEARCH_EMAIL" "email" "AISEARCH_API_KEY" "apiKey" }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.credentials.existingSecret | default (printf "%s-credentials" (include "aisearch-operator.fullname" $)) }}
      key: {{ $key }}
      optional: true
{{- end }}
{{- end }}
{{- with .Values.credentials.namespaces }}
- name: AISEARCH_CREDENTIALS_NAMESPACES
  value: {{ join "," . | quote }}
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: AISEARCH_{{ $name | snakecase | upper }}
  value: {{ include "aisearch-operator.settingValue" $value | quote }}
{{- end }}
{{- end }}
