{{- define "launchkit-agent.agentEnv" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- $config := include "launchkit-agent.given" . | fromYaml }}
{{- with .Values.agent.name }}
- name: LAUNCHKIT_NAME
  value: {{ ternary (printf "%s-$(POD_NAME)" .) . (gt (int $.Values.agent.replicas) 1) | quote }}
{{- else }}
{{- if not $config.name }}
- {name: LAUNCHKIT_NAME, value: $(POD_NAME)}
{{- end }}
{{- end }}
- {name: LAUNCHKIT_CONFIG, value: /etc/launchkit/launch-config.yaml}
- {name: LAUNCHKIT_METRICS_HOST, value: 0.0.0.0}
- {name: LAUNCHKIT_METRICS_PORT, value: {{ .Values.agent.metricsPort | int | quote }}}
{{- if not (kindIs "invalid" .Values.agent.startTimeout) }}
- {name: LAUNCHKIT_START_TIMEOUT, value: {{ .Values.agent.startTimeout | toJson | quote }}}
{{- end }}
{{- with include "launchkit-agent.backend" . }}
- {name: LAUNCHKIT_BACKEND, value: {{ . | quote }}}
{{- end }}
{{- if include "launchkit-agent.tokenSecret" . }}
- {name: LAUNCHKIT_TOKEN_FILE, value: /run/secrets/launchkit/token}
{{- end }}
{{- if or .Values.gitCreds .Values.gitCredsSecret }}
- {name: GIT_CONFIG_COUNT, value: "1"}
- {name: GIT_CONFIG_KEY_0, value: credential.helper}
- name: GIT_CONFIG_VALUE_0 # the file is read-only, and git would want to write to it
  value: '!only_get() { test "$1" != get || git credential-store --file=/run/secrets/git/credentials get; }; only_get'
{{- end }}
{{- if .Values.sshAuthSecrets }}
- {name: GIT_SSH_COMMAND, value: ssh -F /etc/launchkit/ssh_config}
{{- end }}
{{- $own := include "launchkit-agent.ownName" . }}
{{- if .Values.azureStorageAccessKey }}
- name: AZURE_STORAGE_KEY
  valueFrom: {secretKeyRef: {name: {{ $own | quote }}, key: azure-storage-key}}
{{- end }}
{{- range $name, $value := .Values.agent.secretEnv }}
- name: {{ $name | quote }}
  valueFrom: {secretKeyRef: {name: {{ $own | quote }}, key: {{ printf "env.%s" $name | quote }}}}
{{- end }}
{{- include "launchkit-agent.network" . }}
{{- end -}}
