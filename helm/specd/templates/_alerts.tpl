{{/*
The alerts: what is wrong, since when, and what to do. What `$labels` and `$value` stand for is Prometheus's, so those are written for
it and not for Helm. A query names only metrics that the server exports; tests/cli/chart.rs checks it.
*/}}
{{- define "specd.alerts" -}}
{{- $v := .Values -}}
{{- $in := printf "namespace=%q" .Release.Namespace -}}
{{- $ours := printf "grpc_service=\"specd.v1.SpecService\",%s" $in -}}
- alert: SpecdAbsent
  expr: 'absent(specd_build_info{ {{- $in -}} })'
  for: 15m
  severity: critical
  summary: no specd is seen by Prometheus
  description: >-
    No server of the namespace {{ .Release.Namespace }} has given metrics for 15 minutes. Look at the DaemonSet
    {{ include "specd.fullname" . }} and at the targets of Prometheus.
- alert: SpecdContainerdDown
  expr: 'specd_source_up{ {{- $in -}} } == 0'
  for: 5m
  severity: critical
  summary: '{{ `{{ $labels.pod }}` }} cannot reach containerd'
  description: >-
    containerd on the node {{ `{{ $labels.node }}` }} has not answered for 5 minutes; calls there fail with UNAVAILABLE. Look at
    containerd itself, then at the mounted directory {{ $v.containerd.socketDirectory }} and at who may use the socket
    (containerd.socketGid). Restarting specd mends nothing: it comes back by itself.
- alert: SpecdErrors
  expr: >-
    sum by (namespace, pod, node) (rate(grpc_server_handled_total{ {{- $ours -}} ,grpc_code=~"Internal|Unknown|DataLoss|Unavailable|DeadlineExceeded"}[10m]))
    / sum by (namespace, pod, node) (rate(grpc_server_handled_total{ {{- $ours -}} }[10m])) > {{ $v.metrics.rules.errorRatio }}
  for: 10m
  severity: warning
  summary: '{{ `{{ $labels.pod }}` }} fails {{ `{{ $value | humanizePercentage }}` }} of its calls'
  description: >-
    These are faults of the server or of its node, not of what was asked. The log has a line for each, with its cause.
- alert: SpecdDataLoss
  expr: 'sum by (namespace, pod, node) (increase(grpc_server_handled_total{ {{- $ours -}} ,grpc_code="DataLoss"}[15m])) > 0'
  for: 0m
  severity: critical
  summary: an image on {{ `{{ $labels.node }}` }} is not what its digest says
  description: >-
    A blob in containerd's store has not the digest or the size by which it is named: a bad disk, or somebody changed it. The log has the
    digest; remove the image from the node and pull it again.
- alert: SpecdSlow
  expr: >-
    histogram_quantile(0.99, sum by (namespace, pod, node, le) (rate(grpc_server_handling_seconds_bucket{ {{- $ours -}} ,grpc_method="Generate"}[10m]))) > {{ $v.metrics.rules.slowSeconds }}
  for: 15m
  severity: warning
  summary: one call in a hundred to {{ `{{ $labels.pod }}` }} takes {{ `{{ $value | humanizeDuration }}` }}
  description: >-
    specd_stage_seconds tells in which stage the time goes: most often into the layers of large images that are asked for the first time, or
    into a containerd that answers late.
- alert: SpecdShedding
  expr: 'sum by (namespace, pod, node) (rate(specd_shed_total{ {{- $in -}} }[5m])) > 0'
  for: 10m
  severity: warning
  summary: '{{ `{{ $labels.pod }}` }} turns calls away'
  description: >-
    More than {{ $v.limits.maxInFlight | int64 }} calls at a time for 10 minutes; the rest are answered with RESOURCE_EXHAUSTED. Find the client that
    asks so much, or raise limits.maxInFlight and the pod's memory with it.
- alert: SpecdConnectionsFull
  expr: 'specd_connections{ {{- $in -}} } > {{ mulf $v.limits.maxConnections 0.9 }}'
  for: 10m
  severity: warning
  summary: '{{ `{{ $labels.pod }}` }} has {{ `{{ $value }}` }} connections of {{ $v.limits.maxConnections | int64 }}'
  description: >-
    At the limit new clients wait. Clients should keep one connection each; or raise limits.maxConnections.
- alert: SpecdAcceptErrors
  expr: 'sum by (namespace, pod, node) (increase(specd_accept_errors_total{ {{- $in -}} }[10m])) > 0'
  for: 5m
  severity: warning
  summary: '{{ `{{ $labels.pod }}` }} cannot accept connections'
  description: >-
    The system refuses new connections, as it does when file descriptors run out. Lower limits.maxConnections, or raise the limit of
    descriptors that containerd gives to containers.
- alert: SpecdContainerdErrors
  expr: >-
    sum by (namespace, pod, node) (rate(specd_containerd_calls_total{ {{- $in -}} ,code!~"OK|NotFound"}[10m]))
    / sum by (namespace, pod, node) (rate(specd_containerd_calls_total{ {{- $in -}} }[10m])) > 0.05
  for: 10m
  severity: warning
  summary: containerd on {{ `{{ $labels.node }}` }} fails {{ `{{ $value | humanizePercentage }}` }} of the calls that specd makes
  description: >-
    It answers, but with errors. Look at containerd's log on the node.
- alert: SpecdTlsReloadFailing
  expr: 'sum by (namespace, pod, node) (increase(specd_tls_reload_failures_total{ {{- $in -}} }[1h])) > 0'
  for: 0m
  severity: warning
  summary: '{{ `{{ $labels.pod }}` }} could not read its new certificate'
  description: >-
    The old certificate is in force until it expires. The log says what is wrong with the secret {{ $v.tls.secretName | default "(none)" }}.
- alert: SpecdVersionsDiffer
  expr: 'count by (namespace) (count by (namespace, version) (specd_build_info{ {{- $in -}} })) > 1'
  for: 2h
  severity: info
  summary: several versions of specd run in {{ .Release.Namespace }}
  description: >-
    An update has not come to its end for 2 hours; nodes may answer the same request with different specs. Look at the rollout of the
    DaemonSet {{ include "specd.fullname" . }}.
{{- end -}}
