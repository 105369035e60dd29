{{/*
Names and labels. The server's arguments are in _args.tpl, the checks of values in _checks.tpl.
*/}}

{{- define "specd.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{- define "specd.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else -}}
{{- $name := include "specd.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "specd.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{/* Labels that never change within a release: a DaemonSet cannot change its selector. */}}
{{- define "specd.selectorLabels" -}}
app.kubernetes.io/name: {{ include "specd.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "specd.labels" -}}
{{ include "specd.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "specd.serverSelector" -}}
{{ include "specd.selectorLabels" . }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "specd.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "specd.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "specd.image" -}}
{{- with .Values.image -}}
{{- with .registry }}{{ . }}/{{ end -}}
{{- .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* The address of the socket, for the server and for its clients. */}}
{{- define "specd.socket" -}}
unix://{{ .Values.socket.directory }}/{{ .Values.socket.name }}
{{- end -}}

{{/* The Service's name in the cluster. Its certificate must be valid for this name. */}}
{{- define "specd.host" -}}
{{ include "specd.fullname" . }}.{{ include "specd.namespace" . }}.svc
{{- end -}}

{{/* The supplemental groups: the configured ones, and those of containerd's socket and of the server's socket. */}}
{{- define "specd.supplementalGroups" -}}
{{- $groups := .Values.runAs.supplementalGroups -}}
{{- $groups = append $groups .Values.containerd.socketGid -}}
{{- if .Values.socket.enabled -}}
{{- $groups = append $groups .Values.socket.gid -}}
{{- end -}}
{{- $seen := dict (.Values.runAs.group | int64 | toString) true -}}
{{- range $group := $groups -}}
{{- $group := $group | int64 | toString -}}
{{- if not (hasKey $seen $group) }}
- {{ $group }}
{{- $_ := set $seen $group true -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The image that the test requests, by the name in containerd: with a digest the tag is dropped. */}}
{{- define "specd.testImage" -}}
{{- if .Values.test.image -}}
{{- .Values.test.image -}}
{{- else if .Values.image.digest -}}
{{- .Values.image.repository }}@{{ .Values.image.digest -}}
{{- else -}}
{{- include "specd.image" . -}}
{{- end -}}
{{- end -}}

{{/* Confinement that no value can remove. */}}
{{- define "specd.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
{{- end -}}

{{/* Common fields of the test containers. */}}
{{- define "specd.testContainer" -}}
image: {{ include "specd.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
resources:
  requests:
    cpu: 10m
    memory: 16Mi
  limits:
    memory: 64Mi
securityContext:
  {{- include "specd.confined" . | nindent 2 }}
  capabilities:
    drop:
      - ALL
{{- if .Values.socket.enabled }}
volumeMounts:
  - name: socket
    mountPath: {{ .Values.socket.directory }}
    readOnly: true
{{- else if .Values.tls.enabled }}
volumeMounts:
  - name: tls
    mountPath: /etc/specd/tls
    readOnly: true
{{- end }}
{{- end -}}

{{/* Whether the test client can connect to the server: over the socket, plaintext TCP, or TLS with a secret. */}}
{{- define "specd.canTest" -}}
{{- if and .Values.test.enabled (or .Values.socket.enabled (not .Values.tls.enabled) .Values.test.tlsSecretName) -}}yes{{- end -}}
{{- end -}}

{{- define "specd.testTls" -}}
{{- if and .Values.tls.enabled (not .Values.socket.enabled) }}
- --tls-ca=/etc/specd/tls/ca.crt
{{- if .Values.tls.clientAuth }}
- --tls-cert=/etc/specd/tls/tls.crt
- --tls-key=/etc/specd/tls/tls.key
{{- end }}
{{- end }}
{{- end -}}
