{{- /* Labels: those of the chart, then all resources', then this instance's. */}}
{{- define "ai-search.labels" -}}
{{- $root := .root }}
{{- $labels := dict
  "app.kubernetes.io/name" $root.Chart.Name
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version)
}}
{{- mergeOverwrite $labels (deepCopy $root.Values.commonLabels) (.instance.labels | default dict) | toYaml }}
{{- end }}

{{- /* How an instance is synced: as all are, unless its own `sync` says otherwise. Not by mergeOverwrite, which takes
       false and 0 for not said. */}}
{{- define "ai-search.sync" -}}
{{- $sync := deepCopy .root.Values.sync }}
{{- $own := .instance.sync | default dict }}
{{- range $key, $value := omit $own "spec" }}{{ $_ := set $sync $key $value }}{{ end }}
{{- range $key, $value := $own.spec }}{{ $_ := set $sync.spec $key $value }}{{ end }}
{{- toJson $sync }}
{{- end }}

{{- /* What a sync job runs for. What the operator does with an instance is not its content, and neither is what can be
       edited on a job in place, such as cancel. */}}
{{- define "ai-search.content" -}}
{{- $settings := omit (.instance.spec | default dict) "credentialsRef" "managementPolicy" "deletionPolicy"
  "adoptionPolicy" "driftPolicy" "writeConnectionConfigMapToRef" "suspend" }}
{{- dict "instance" $settings "description" .sync.spec.description "revision" .sync.revision | toJson }}
{{- end }}

{{- /* The name of a sync job: a new one for each content, or always the same for a hook. */}}
{{- define "ai-search.jobName" -}}
{{- if eq .sync.recipe "once" }}
{{- printf "%s-sync-%s" (trunc 236 .name) (include "ai-search.content" . | sha256sum | trunc 10) }}
{{- else }}
{{- printf "%s-sync" (trunc 248 .name) }}
{{- end }}
{{- end }}
