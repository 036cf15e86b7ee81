{{- /* The values of a map that are not null, each as it is: zeros and empty ones stay. */ -}}
{{- define "launchkit-agent.fields" -}}
{{- $kept := dict -}}
{{- range $name, $value := . -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $kept $name $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $kept -}}
{{- end -}}

{{- /* The metadata of pods: (list $ COMPONENT VALUES ANNOTATIONS). */ -}}
{{- define "launchkit-agent.podMetadata" -}}
labels:
  {{- $labels := include "launchkit-agent.labels" (list (index . 0) (index . 1)) | fromYaml }}
  {{- include "launchkit-agent.strings" (mergeOverwrite (dict) ((index . 2).labels | default dict) $labels) | trim | nindent 2 }}
{{- with mergeOverwrite (dict) ((index . 2).annotations | default dict) (index . 3) }}
annotations:
  {{- include "launchkit-agent.strings" . | trim | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* What the pods of all components have: VALUES of one. */ -}}
{{- define "launchkit-agent.podSpec" -}}
{{- $names := list "affinity" "imagePullSecrets" "nodeSelector" "priorityClassName" "terminationGracePeriodSeconds" "tolerations" "topologySpreadConstraints" -}}
{{- $own := dict "securityContext" .podSecurityContext -}}
{{- range $names -}}
{{- $_ := set $own . (get $ .) -}}
{{- end -}}
{{- range $name, $value := .podSpec -}}
{{- $_ := set $own $name $value -}}
{{- end -}}
{{- include "launchkit-agent.fields" $own -}}
{{- end -}}

{{- /* The variables of a container: (list OWN VALUES), OWN as YAML of a list; the user's win. */ -}}
{{- define "launchkit-agent.env" -}}
{{- $env := list -}}
{{- $theirs := list -}}
{{- range (index . 1).env -}}
{{- $theirs = append $theirs .name -}}
{{- end -}}
{{- range index . 0 | fromYamlArray -}}
{{- if not (has .name $theirs) -}}
{{- $env = append $env . -}}
{{- end -}}
{{- end -}}
{{- toYaml (concat $env ((index . 1).env | default list)) -}}
{{- end -}}

{{- /* What the main containers of all components have: VALUES of one. */ -}}
{{- define "launchkit-agent.container" -}}
{{- $own := dict -}}
{{- range list "envFrom" "imagePullPolicy" "livenessProbe" "readinessProbe" "resources" "securityContext" "startupProbe" -}}
{{- $_ := set $own . (get $ .) -}}
{{- end -}}
{{- include "launchkit-agent.fields" $own -}}
{{- end -}}

{{- define "launchkit-agent.network" -}}
{{- with .Values.proxy }}
{{- if .http }}
{{- range list "HTTP_PROXY" "http_proxy" }}
- {name: {{ . }}, value: {{ $.Values.proxy.http | quote }}}
{{- end }}
{{- end }}
{{- if .https }}
{{- range list "HTTPS_PROXY" "https_proxy" }}
- {name: {{ . }}, value: {{ $.Values.proxy.https | quote }}}
{{- end }}
{{- end }}
{{- if or .http .https (get . "no") }}
{{- $direct := printf "127.0.0.1,localhost,.svc,.cluster.local,$(KUBERNETES_SERVICE_HOST)" }}
{{- range list "NO_PROXY" "no_proxy" }}
- {name: {{ . }}, value: {{ compact (list $direct (include "launchkit-agent.serverHost" $) (get $.Values.proxy "no")) | join "," | quote }}}
{{- end }}
{{- end }}
{{- end }}
{{- if .Values.customCABundle.configMap.name }}
{{- range list "SSL_CERT_FILE" "REQUESTS_CA_BUNDLE" "GIT_SSL_CAINFO" "AWS_CA_BUNDLE" }}
- {name: {{ . }}, value: /etc/launchkit/ca/ca.crt}
{{- end }}
{{- end }}
{{- end -}}

{{- /* The queue service is no concern of a proxy. */ -}}
{{- define "launchkit-agent.serverHost" -}}
{{- if .Values.server.enabled -}}
{{ include "launchkit-agent.fullname" . }}-server
{{- end -}}
{{- end -}}

{{- define "launchkit-agent.caVolume" -}}
{{- with .Values.customCABundle.configMap }}
{{- if .name }}
- name: ca
  configMap:
    name: {{ .name | quote }}
    items: [{key: {{ .key | quote }}, path: ca.crt}]
{{- end }}
{{- end }}
{{- end -}}

{{- define "launchkit-agent.caMount" -}}
{{- if .Values.customCABundle.configMap.name }}
- {name: ca, mountPath: /etc/launchkit/ca, readOnly: true}
{{- end }}
{{- end -}}
