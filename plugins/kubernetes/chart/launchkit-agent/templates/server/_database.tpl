{{- /* Refuses values that leave the queue service without a database. */ -}}
{{- define "launchkit-agent.checkDatabase" -}}
{{- $given := compact (list .Values.server.database.url .Values.server.database.existingSecret (ternary "postgresql" "" .Values.postgresql.enabled)) -}}
{{- if ne (len $given) 1 -}}
{{- fail "server.database: set one of url, existingSecret and postgresql.enabled, so that the queue service has one database" -}}
{{- end -}}
{{- end -}}

{{- define "launchkit-agent.databaseEnv" -}}
{{- $name := include "launchkit-agent.fullname" . }}
{{- with .Values.server.database }}
{{- if $.Values.postgresql.enabled }}
{{- $secret := $.Values.postgresql.existingSecret | default (printf "%s-postgresql" (include "launchkit-agent.ownName" $)) }}
{{- $key := ternary $.Values.postgresql.existingSecretKey "password" (not (empty $.Values.postgresql.existingSecret)) }}
- name: PGPASSWORD
  valueFrom: {secretKeyRef: {name: {{ $secret | quote }}, key: {{ $key | quote }}}}
- {name: LAUNCHKIT_BACKEND, value: "postgresql://launchkit@{{ $name }}-postgresql:5432/launchkit"}
{{- else if .url }}
{{- if .passwordSecret }}
- name: PGPASSWORD
  valueFrom: {secretKeyRef: {name: {{ .passwordSecret | quote }}, key: {{ .passwordSecretKey | quote }}}}
{{- end }}
- {name: LAUNCHKIT_BACKEND, value: {{ .url | quote }}}
{{- else }}
- name: LAUNCHKIT_BACKEND
  valueFrom: {secretKeyRef: {name: {{ .existingSecret | quote }}, key: {{ .existingSecretKey | quote }}}}
{{- end }}
{{- end }}
- {name: LAUNCHKIT_SERVER_DATABASE, value: $(LAUNCHKIT_BACKEND)}
- {name: LAUNCHKIT_SERVER_HOST, value: 0.0.0.0}
- {name: LAUNCHKIT_SERVER_PORT, value: "8700"}
- {name: LAUNCHKIT_SERVER_DATA, value: /home/launchkit/server}
- {name: LAUNCHKIT_SERVER_ADMIN_TOKEN_FILE, value: /home/launchkit/admin.token}
{{- include "launchkit-agent.network" . }}
{{- end -}}
