{{- /* What values.schema.json cannot say, or not so that a person understands it. */}}
{{- define "aisearch-operator.validate" -}}
{{- $own := .Values.credentials }}
{{- if and $own.existingSecret (or $own.accountId $own.apiToken $own.email $own.apiKey) }}
{{- fail "credentials.existingSecret excludes accountId, apiToken, email and apiKey: the Secret holds them" }}
{{- end }}
{{- if and $own.apiToken (or $own.email $own.apiKey) }}
{{- fail "credentials.apiToken excludes credentials.email and credentials.apiKey: give one of the two" }}
{{- end }}
{{- if ne (empty $own.email) (empty $own.apiKey) }}
{{- fail "credentials.email and credentials.apiKey belong together: give both" }}
{{- end }}
{{- if ne (empty $own.accountId) (and (empty $own.apiToken) (empty $own.apiKey)) }}
{{- fail "credentials.accountId and credentials.apiToken (or email and apiKey) belong together: give both or none" }}
{{- end }}
{{- if and (not .Values.leaderElection.enabled) (gt (int .Values.replicas) 1) }}
{{- fail "leaderElection.enabled: false allows one replica: two that both work would start jobs twice" }}
{{- end }}
{{- if and .Values.monitoring.serviceMonitor.enabled .Values.monitoring.podMonitor.enabled }}
{{- fail "monitoring.serviceMonitor and monitoring.podMonitor exclude each other: all would be counted twice" }}
{{- end }}
{{- $grace := (.Values.settings | default dict).shutdownGrace | default 20 }}
{{- if ge (float64 $grace) (float64 .Values.terminationGracePeriodSeconds) }}
{{- fail (printf "terminationGracePeriodSeconds (%v) must be more than settings.shutdownGrace (%v)" .Values.terminationGracePeriodSeconds $grace) }}
{{- end }}
{{- end }}
