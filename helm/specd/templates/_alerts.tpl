{{/*
The alerts: the problem, its duration, and what to do. `$labels` and `$value` are escaped, because Prometheus expands them and not Helm.
Queries use only metrics that the server exports; tests/cli/chart.rs checks it.
*/}}
{{- define "specd.alerts" -}}
{{- $v := .Values -}}
{{- $in := printf "namespace=%q" (include "specd.namespace" .) -}}
{{- $ours := printf "grpc_service=\"specd.v1.SpecService\",%s" $in -}}
- alert: SpecdAbsent
  expr: 'absent(specd_build_info{ {{- $in -}} })'
  for: 15m
  severity: critical
  summary: Prometheus sees no specd
  description: >-
    Prometheus has had no metrics of a server in the namespace {{ include "specd.namespace" . }} for 15 minutes. Check the DaemonSet
    {{ include "specd.fullname" . }} and the targets of Prometheus.
- alert: SpecdContainerdDown
  expr: 'specd_source_up{ {{- $in -}} } == 0'
  for: 5m
  severity: critical
  summary: '{{ `{{ $labels.pod }}` }} cannot reach containerd'
  description: >-
    containerd on the node {{ `{{ $labels.node }}` }} has not answered for 5 minutes; calls to specd there fail with UNAVAILABLE. Check
    containerd first, then the mounted directory {{ $v.containerd.socketDirectory }} and the group of the socket
    (containerd.socketGid). Do not restart specd: it recovers by itself.
- alert: SpecdErrors
  expr: >-
    sum by (namespace, pod, node) (rate(grpc_server_handled_total{ {{- $ours -}} ,grpc_code=~"Internal|Unknown|DataLoss|Unavailable|DeadlineExceeded"}[10m]))
    / sum by (namespace, pod, node) (rate(grpc_server_handled_total{ {{- $ours -}} }[10m])) > {{ $v.metrics.rules.errorRatio }}
  for: 10m
  severity: warning
  summary: '{{ `{{ $labels.pod }}` }} fails {{ `{{ $value | humanizePercentage }}` }} of its calls'
  description: >-
    These are errors of the server or of its node, not of the requests. The log has a line for each, with its cause.
- alert: SpecdDataLoss
  expr: 'sum by (namespace, pod, node) (increase(grpc_server_handled_total{ {{- $ours -}} ,grpc_code="DataLoss"}[15m])) > 0'
  for: 0m
  severity: critical
  summary: an image on {{ `{{ $labels.node }}` }} is not what its digest says
  description: >-
    A blob in containerd's store does not match its digest or size: the disk is bad, or the blob was changed. The log has the
    digest. Remove the image from the node and pull it again.
- alert: SpecdSlow
  expr: >-
    histogram_quantile(0.99, sum by (namespace, pod, node, le) (rate(grpc_server_handling_seconds_bucket{ {{- $ours -}} ,grpc_method="Generate"}[10m]))) > {{ $v.metrics.rules.slowSeconds }}
  for: 15m
  severity: warning
  summary: one call in a hundred to {{ `{{ $labels.pod }}` }} takes {{ `{{ $value | humanizeDuration }}` }}
  description: >-
    specd_stage_seconds shows the slow stage. Usually it is the first request for a large image, which reads its layers, or a slow
    containerd.
- alert: SpecdShedding
  expr: 'sum by (namespace, pod, node) (rate(specd_shed_total{ {{- $in -}} }[5m])) > 0'
  for: 10m
  severity: warning
  summary: '{{ `{{ $labels.pod }}` }} refuses calls'
  description: >-
    More than {{ $v.limits.maxInFlight | int64 }} concurrent calls for 10 minutes; further calls fail with RESOURCE_EXHAUSTED. Find the client that
    sends them, or raise limits.maxInFlight and with it the pod's memory limit.
- alert: SpecdConnectionsFull
  expr: 'specd_connections{ {{- $in -}} } > {{ mulf $v.limits.maxConnections 0.9 }}'
  for: 10m
  severity: warning
  summary: '{{ `{{ $labels.pod }}` }} has {{ `{{ $value }}` }} connections of {{ $v.limits.maxConnections | int64 }}'
  description: >-
    At the limit new connections are closed. Let each client keep one connection, or raise limits.maxConnections.
- alert: SpecdAcceptErrors
  expr: 'sum by (namespace, pod, node) (increase(specd_accept_errors_total{ {{- $in -}} }[10m])) > 0'
  for: 5m
  severity: warning
  summary: '{{ `{{ $labels.pod }}` }} cannot accept connections'
  description: >-
    The system refuses new connections, usually because file descriptors run out. Lower limits.maxConnections, or raise containerd's
    limit of file descriptors for containers.
- alert: SpecdContainerdErrors
  expr: >-
    sum by (namespace, pod, node) (rate(specd_containerd_calls_total{ {{- $in -}} ,code!~"OK|NotFound"}[10m]))
    / sum by (namespace, pod, node) (rate(specd_containerd_calls_total{ {{- $in -}} }[10m])) > 0.05
  for: 10m
  severity: warning
  summary: containerd on {{ `{{ $labels.node }}` }} fails {{ `{{ $value | humanizePercentage }}` }} of the calls that specd makes
  description: >-
    containerd answers with errors. Check containerd's log on the node.
- alert: SpecdTlsReloadFailing
  expr: 'sum by (namespace, pod, node) (increase(specd_tls_reload_failures_total{ {{- $in -}} }[1h])) > 0'
  for: 0m
  severity: warning
  summary: '{{ `{{ $labels.pod }}` }} could not read its new certificate'
  description: >-
    The old certificate stays in use until it expires. The log says what is wrong with the secret {{ $v.tls.secretName | default "(none)" }}.
- alert: SpecdVersionsDiffer
  expr: 'count by (namespace) (count by (namespace, version) (specd_build_info{ {{- $in -}} })) > 1'
  for: 2h
  severity: info
  summary: several versions of specd run in {{ include "specd.namespace" . }}
  description: >-
    An update has not finished for 2 hours; nodes may return different specs for the same request. Check the rollout of the
    DaemonSet {{ include "specd.fullname" . }}.
{{- end -}}
