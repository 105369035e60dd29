{{/*
The arguments of `specd serve`, one flag on each line. The chart sets flags only here. An empty value keeps the server's default.
`tests/cli/chart_values.rs` reads the lines: a flag stands on one line, with the values that it has.
*/}}
{{- define "specd.ownArgs" -}}
{{- $v := .Values -}}
{{- $bind := $v.bindAddress -}}
- serve
- --containerd={{ $v.containerd.socketDirectory }}/{{ $v.containerd.socketName }}
{{- if $v.socket.enabled }}
- --listen={{ include "specd.socket" . }}
- --socket-mode={{ $v.socket.mode }}
- --socket-gid={{ $v.socket.gid | int64 }}
{{- if not $v.socket.mendAuthority }}
- --no-authority-filter
{{- end }}
{{- range $v.socket.allowUids }}
- --allow-uid={{ . | int64 }}
{{- end }}
{{- range $v.socket.allowGids }}
- --allow-gid={{ . | int64 }}
{{- end }}
{{- end }}
{{- if not $v.api.generateProcess }}
- --no-generate-process
{{- end }}
{{- if not $v.api.reflection }}
- --no-reflection
{{- end }}
{{- if $v.tcp.enabled }}
- --listen=tcp://{{ $bind }}:{{ $v.tcp.port }}
{{- if $v.tls.enabled }}
- --tls-cert=/etc/specd/tls/{{ $v.tls.certKey }}
- --tls-key=/etc/specd/tls/{{ $v.tls.keyKey }}
{{- if $v.tls.clientAuth }}
- --tls-client-ca=/etc/specd/tls/{{ $v.tls.caKey }}
{{- range $v.tls.allowSans }}
- {{ printf "--tls-allow-san=%s" . | quote }}
{{- end }}
{{- end }}
{{- else if $v.tcp.insecure }}
- --insecure-tcp
{{- end }}
{{- end }}
{{- if not $v.httpJson }}
- --no-http-json
{{- end }}
- --health-listen=tcp://{{ $bind }}:{{ $v.health.port }}
{{- if $v.metrics.enabled }}
- --metrics-listen=tcp://{{ $bind }}:{{ $v.metrics.port }}
{{- end }}
{{- with $v.traces.otlpEndpoint }}
- {{ printf "--otlp-endpoint=%s" . | quote }}
{{- end }}
- --snapshotter={{ $v.snapshots.snapshotter }}
{{- if $v.snapshots.enabled }}
- --snapshot-root={{ $v.snapshots.root }}
- --snapshot-timeout={{ $v.snapshots.timeout }}
{{- end }}
{{- if $v.devices.enabled }}
- --dev-root=/host
{{- end }}
{{- if $v.cdi.enabled }}
{{- range $v.cdi.specDirs }}
- --cdi-spec-dir={{ . }}
{{- end }}
{{- end }}
- --default-profile={{ $v.defaultProfile }}
{{- if $v.profiles }}
- --profiles-dir=/etc/specd/profiles
{{- end }}
{{- with $v.platform }}
- --platform={{ . }}
{{- end }}
- {{ printf "--log=%s" $v.log.filter | quote }}
- --log-format={{ $v.log.format }}
- --log-calls={{ $v.log.calls }}
- --slow-call={{ $v.log.slowCall }}
- --max-connections={{ $v.limits.maxConnections | int64 }}
- --max-in-flight={{ $v.limits.maxInFlight | int64 }}
{{- with $v.limits.maxAtWork }}
- --max-at-work={{ . | int64 }}
{{- end }}
- --max-streams={{ $v.limits.maxStreams | int64 }}
- --max-request-bytes={{ $v.limits.maxRequestBytes | int64 }}
- --max-response-bytes={{ $v.limits.maxResponseBytes | int64 }}
- --max-header-bytes={{ $v.limits.maxHeaderBytes | int64 }}
- --cache-bytes={{ $v.limits.cacheBytes | int64 }}
- --call-timeout={{ $v.limits.callTimeout }}
- --drain-timeout={{ $v.limits.drainTimeout }}
- --handshake-timeout={{ $v.limits.handshakeTimeout }}
- --keepalive-interval={{ $v.limits.keepaliveInterval }}
- --keepalive-timeout={{ $v.limits.keepaliveTimeout }}
- --max-connection-age={{ $v.limits.maxConnectionAge }}
- --max-connection-idle={{ $v.limits.maxConnectionIdle }}
- --transfer-timeout={{ $v.limits.transferTimeout }}
{{- end -}}

{{/* The same, and the arguments that the values add. */}}
{{- define "specd.args" -}}
{{- include "specd.ownArgs" . }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}
