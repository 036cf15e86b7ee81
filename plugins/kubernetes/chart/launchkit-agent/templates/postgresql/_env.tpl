{{- define "launchkit-agent.postgresqlEnv" -}}
- {name: POSTGRES_USER, value: launchkit}
- {name: POSTGRES_DB, value: launchkit}
- {name: PGDATA, value: /var/lib/postgresql/data/pgdata} # the volume itself may have lost+found
- name: POSTGRES_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ index . 0 | quote }}, key: {{ index . 1 | quote }}}}
{{- end -}}
