{{- /* What the user wrote as launchConfig, as YAML. */ -}}
{{- define "launchkit-agent.given" -}}
{{- if and .Values.launchConfig .Values.agentConfig -}}
{{- fail "launchConfig and agentConfig are the same value under two names: set one of them" -}}
{{- end -}}
{{- $given := .Values.launchConfig | default .Values.agentConfig -}}
{{- if kindIs "string" $given -}}
{{- $read := fromYaml $given -}}
{{- if hasKey $read "Error" -}}
{{- fail (printf "launchConfig: is no map in YAML: %s" $read.Error) -}}
{{- end -}}
{{- $given = $read -}}
{{- end -}}
{{- if not $given.queues -}}
{{- fail "launchConfig: set it to the contents of a launch-config.yaml that names the agent's queues, such as\n  queues: [train]\n  max_jobs: 10" -}}
{{- end -}}
{{- toYaml $given -}}
{{- end -}}

{{- define "launchkit-agent.config" -}}
{{- $given := include "launchkit-agent.given" . | fromYaml -}}
{{- $own := dict "builder" (dict "type" "noop") -}}
{{- if not (kindIs "invalid" .Values.agent.drainTimeout) -}}
{{- $_ := set $own "drain_timeout" .Values.agent.drainTimeout -}}
{{- end -}}
{{- range $key, $value := $given -}}
{{- $_ := set $own $key $value -}}
{{- end -}}
{{- toYaml $own -}}
{{- end -}}

{{- /* The URL of the queue service; empty where the queue is another one. */ -}}
{{- define "launchkit-agent.backend" -}}
{{- if .Values.baseUrl -}}
{{- .Values.baseUrl -}}
{{- else if .Values.server.enabled -}}
http://{{ include "launchkit-agent.fullname" . }}-server:{{ .Values.server.service.port | int }}
{{- end -}}
{{- end -}}

{{- /* The Secret with the token; empty where there is none. */ -}}
{{- define "launchkit-agent.tokenSecret" -}}
{{- if .Values.agent.existingSecret -}}
{{- .Values.agent.existingSecret -}}
{{- else if .Values.agent.apiKey -}}
{{- include "launchkit-agent.ownName" . -}}
{{- end -}}
{{- end -}}

{{- /* Refuses values that make no agent. */ -}}
{{- define "launchkit-agent.check" -}}
{{- $config := include "launchkit-agent.given" . | fromYaml -}}
{{- $url := include "launchkit-agent.backend" . -}}
{{- if and $url $config.backend -}}
{{- fail "launchConfig.backend and the queue service of baseUrl or server.enabled are two queues: name one of them" -}}
{{- end -}}
{{- if regexMatch "://[^/@]*:[^/@]+@|[?&]password=" (toString $config.backend) -}}
{{- fail "launchConfig.backend: its password would be in a ConfigMap, which runs may have: leave it out, and give it as PGPASSWORD in agent.secretEnv" -}}
{{- end -}}
{{- if and .Values.agent.apiKey .Values.agent.existingSecret -}}
{{- fail "agent.apiKey and agent.existingSecret: set one of them" -}}
{{- end -}}
{{- $told := or .Values.agent.env .Values.agent.envFrom .Values.agent.secretEnv -}}
{{- if not (or $url $config.backend $told) -}}
{{- fail "baseUrl: set it to the URL of the queue service, such as https://queue.example.com; or set server.enabled, or launchConfig.backend" -}}
{{- end -}}
{{- if and $url (not (include "launchkit-agent.tokenSecret" .)) (not $told) -}}
{{- fail "agent.apiKey: set it to the agent's token for the queue service, or agent.existingSecret to the name of a Secret with it" -}}
{{- end -}}
{{- if and .Values.rbac.create (eq (include "launchkit-agent.serviceAccount" .) "default") -}}
{{- fail "serviceAccount.name: the Role of the agent would go to the account `default`, and so to all runs that name no other: name an account of the agent's own; or set rbac.create to false" -}}
{{- end -}}
{{- if and .Values.gitCreds .Values.gitCredsSecret -}}
{{- fail "gitCreds and gitCredsSecret: set one of them" -}}
{{- end -}}
{{- end -}}
