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

{{- /* Refuses an address with a login: (list NAME ADDRESS ADVICE). It would be in an object that is no Secret. A name of a parameter that is encoded may be any. */ -}}
{{- define "launchkit-agent.checkAddress" -}}
{{- $address := regexReplaceAll "^[^/]*://" (index . 1 | default "" | toString) "" -}}
{{- $login := "(?i)^[^@/?#]*(:|%3a)([^@/]*|[^@?#]*)@" -}}
{{- $parameter := "(?i)(^|[?&;\\s])[^=&;?]*(%|passw|pwd|secret|token|api_?key)[^=&;?]*=" -}}
{{- if or (regexMatch $login $address) (regexMatch $parameter $address) -}}
{{- fail (printf "%s: what it has of a login would be in an object that is no Secret, and that others may see: leave that out, and %s" (index . 0) (index . 2)) -}}
{{- end -}}
{{- end -}}

{{- /* Refuses values that make no agent. */ -}}
{{- define "launchkit-agent.check" -}}
{{- $config := include "launchkit-agent.given" . | fromYaml -}}
{{- $url := include "launchkit-agent.backend" . -}}
{{- if and $url $config.backend -}}
{{- fail "launchConfig.backend and the queue service of baseUrl or server.enabled are two queues: name one of them" -}}
{{- end -}}
{{- include "launchkit-agent.checkAddress" (list "launchConfig.backend" $config.backend "give its password as PGPASSWORD in agent.secretEnv") -}}
{{- include "launchkit-agent.checkAddress" (list "baseUrl" .Values.baseUrl "give a token as agent.apiKey") -}}
{{- include "launchkit-agent.checkAddress" (list "server.database.url" .Values.server.database.url "name a Secret with its password as server.database.passwordSecret, or with the whole URL as existingSecret") -}}
{{- range $scheme := list "http" "https" -}}
{{- include "launchkit-agent.checkAddress" (list (print "proxy." $scheme) (get $.Values.proxy $scheme) (printf "give the agent the whole URL as %s_PROXY and %s_proxy in agent.secretEnv, and the queue service by a Secret in server.envFrom" (upper $scheme) $scheme)) -}}
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
