{{- define "launchkit-agent.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Secrets, claims and the service account of the agent: agents let no run have one whose name begins so. */ -}}
{{- define "launchkit-agent.ownName" -}}
{{- $name := include "launchkit-agent.fullname" . -}}
{{- ternary $name (printf "launchkit-%s" $name) (hasPrefix "launchkit-" $name) -}}
{{- end -}}

{{- /* Secrets that something else keeps, and that runs may have. */ -}}
{{- define "launchkit-agent.openSecrets" -}}
{{- $names := list .Values.agent.existingSecret .Values.gitCredsSecret .Values.postgresql.existingSecret -}}
{{- $names = concat $names (list .Values.server.database.passwordSecret .Values.server.database.existingSecret) -}}
{{- range .Values.sshAuthSecrets }}{{ $names = append $names .name }}{{ end -}}
{{- range list .Values.agent .Values.server .Values.postgresql -}}
{{- range concat (.imagePullSecrets | default list) (dig "podSpec" "imagePullSecrets" list .) }}{{ $names = append $names .name }}{{ end -}}
{{- range concat (list .) (.initContainers | default list) (.extraContainers | default list) -}}
{{- range .envFrom }}{{ $names = append $names (dig "secretRef" "name" "" .) }}{{ end -}}
{{- range .env }}{{ $names = append $names (dig "valueFrom" "secretKeyRef" "name" "" .) }}{{ end -}}
{{- end -}}
{{- range concat (list .volume .workVolume) (.extraVolumes | default list) | compact -}}
{{- range $source := values . -}}
{{- if kindIs "map" $source -}}
{{- $names = concat $names (list $source.secretName (dig "secretRef" "name" "" $source) (dig "nodePublishSecretRef" "name" "" $source)) -}}
{{- range $source.sources }}{{ $names = append $names (dig "secret" "name" "" .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range compact $names | uniq }}{{ if not (hasPrefix "launchkit-" .) }}
  {{ . }}{{ end }}{{ end -}}
{{- end -}}

{{- /* Claims that something else keeps, and that runs may have. */ -}}
{{- define "launchkit-agent.openClaims" -}}
{{- $names := list -}}
{{- $volumes := list .Values.postgresql.volume .Values.agent.workVolume .Values.server.workVolume -}}
{{- range list .Values.agent .Values.server .Values.postgresql -}}
{{- $volumes = concat $volumes (.extraVolumes | default list) -}}
{{- end -}}
{{- range compact $volumes }}{{ $names = append $names (dig "persistentVolumeClaim" "claimName" "" .) }}{{ end -}}
{{- range compact $names | uniq }}{{ if not (hasPrefix "launchkit-" .) }}
  {{ . }}{{ end }}{{ end -}}
{{- end -}}

{{- define "launchkit-agent.namespace" -}}
{{- .Values.namespace | default .Release.Namespace -}}
{{- end -}}

{{- define "launchkit-agent.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "launchkit-agent.ownName" .) "default" (not (empty .Values.serviceAccount.create))) -}}
{{- end -}}

{{- /* What never changes of a component: (list $ COMPONENT). No run can have the last, so that none is taken for one. */ -}}
{{- define "launchkit-agent.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Values.nameOverride | default $root.Chart.Name | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
launchkit/component: {{ index . 1 }}
{{- end -}}

{{- define "launchkit-agent.labels" -}}
{{- $root := index . 0 -}}
{{ include "launchkit-agent.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- /* Name, namespace and labels of an object: (list $ COMPONENT NAME). */ -}}
{{- define "launchkit-agent.metadata" -}}
name: {{ index . 2 | quote }}
namespace: {{ include "launchkit-agent.namespace" (index . 0) | quote }}
labels:
  {{- include "launchkit-agent.labels" . | nindent 2 }}
{{- end -}}

{{- /* A map of strings, as labels and annotations are; what is null is left out. */ -}}
{{- define "launchkit-agent.strings" -}}
{{- range $name, $value := . }}
{{- if not (kindIs "invalid" $value) }}
{{ $name | quote }}: {{ ternary $value ($value | toJson) (kindIs "string" $value) | quote }}
{{- end }}
{{- end }}
{{- end -}}
