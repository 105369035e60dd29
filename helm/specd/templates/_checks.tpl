{{/*
Checks that the schema cannot express: values that are valid by themselves but not together. Each message says how to fix it.
*/}}

{{/* A duration in whole seconds, rounded up. */}}
{{- define "specd.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- if eq $unit "ms" -}}{{ div (add $number 999) 1000 }}
{{- else if eq $unit "s" -}}{{ $number }}
{{- else if eq $unit "m" -}}{{ mul $number 60 }}
{{- else -}}{{ mul $number 3600 }}
{{- end -}}
{{- end -}}

{{- define "specd.checks" -}}
{{- $v := .Values -}}
{{- $drain := include "specd.seconds" $v.limits.drainTimeout | int64 -}}
{{- if le ($v.terminationGracePeriodSeconds | int64) $drain -}}
{{- fail (printf "terminationGracePeriodSeconds: %d is not above limits.drainTimeout (%s), so running calls would be killed; set it to at least %d" ($v.terminationGracePeriodSeconds | int64) $v.limits.drainTimeout (add $drain 5)) -}}
{{- end -}}
{{- if not (or $v.socket.enabled $v.tcp.enabled) -}}
{{- fail "socket.enabled and tcp.enabled are both false, so no client could call the server; set one of them to true" -}}
{{- end -}}
{{- if and $v.hostNetwork (not $v.hostUsers) -}}
{{- fail "hostUsers: a pod in a user namespace cannot use the node's network, and hostNetwork is true; set one of them to the other value" -}}
{{- end -}}
{{- if and $v.snapshots.enabled (not $v.hostUsers) -}}
{{- fail "hostUsers: the capability DAC_READ_SEARCH, which snapshots need, does not reach the node's files from a user namespace; set hostUsers to true or snapshots.enabled to false" -}}
{{- end -}}
{{- if and $v.tcp.enabled (not $v.tls.enabled) (not $v.tcp.insecure) -}}
{{- fail "tcp.enabled: the port would use plain text; set tls.enabled and tls.secretName, or allow it with tcp.insecure" -}}
{{- end -}}
{{- if and $v.tls.enabled (not $v.tcp.enabled) -}}
{{- fail "tls.enabled: TLS needs TCP, and tcp.enabled is false; set tcp.enabled to true" -}}
{{- end -}}
{{- if and $v.tls.enabled $v.tcp.insecure -}}
{{- fail "tcp.insecure: it allows TCP without TLS, but tls.enabled is true; set only one of them" -}}
{{- end -}}
{{- if and $v.tls.enabled (not $v.tls.secretName) -}}
{{- fail "tls.secretName: tls.enabled is true; set the name of the secret with the certificate" -}}
{{- end -}}
{{- if and $v.tls.allowSans (not (and $v.tls.enabled $v.tls.clientAuth)) -}}
{{- fail "tls.allowSans: names are read from client certificates, so tls.enabled and tls.clientAuth must be true" -}}
{{- end -}}
{{- $ports := list ($v.health.port | int64) -}}
{{- if $v.metrics.enabled -}}{{- $ports = append $ports ($v.metrics.port | int64) -}}{{- end -}}
{{- if $v.tcp.enabled -}}{{- $ports = append $ports ($v.tcp.port | int64) -}}{{- end -}}
{{- if ne (len $ports) (len (uniq $ports)) -}}
{{- fail "health.port, metrics.port and tcp.port: two of them are equal; use different ports" -}}
{{- end -}}
{{- if not $v.metrics.enabled -}}
{{- range $what := list "monitor" "rules" "dashboard" -}}
{{- if (get $v.metrics $what).enabled -}}
{{- fail (printf "metrics.%s.enabled: it needs metrics.enabled, which is false" $what) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $v.socket.enabled -}}
{{- $path := printf "%s/%s" $v.socket.directory $v.socket.name -}}
{{- if gt (len $path) 107 -}}
{{- fail (printf "socket.directory and socket.name: %s has %d bytes, but the path of a unix socket may have at most 107" $path (len $path)) -}}
{{- end -}}
{{- if or (eq $v.socket.directory $v.containerd.socketDirectory) (hasPrefix (printf "%s/" $v.containerd.socketDirectory) $v.socket.directory) -}}
{{- fail (printf "socket.directory: %s is in containerd.socketDirectory, which is mounted read-only; choose another directory, for example /run/specd" $v.socket.directory) -}}
{{- end -}}
{{- if and (ne ($v.runAs.user | int64) 0) (eq $v.socket.directoryType "DirectoryOrCreate") -}}
{{- fail (printf "runAs.user: user %d cannot create a socket in the directory that the kubelet creates for root; create the directory on the nodes for that user and set socket.directoryType to Directory, or set socket.enabled to false" ($v.runAs.user | int64)) -}}
{{- end -}}
{{- else if or $v.socket.allowUids $v.socket.allowGids -}}
{{- fail "socket.allowUids and socket.allowGids: they apply to the unix socket, but socket.enabled is false" -}}
{{- end -}}
{{- if and $v.snapshots.enabled (ne ($v.runAs.user | int64) 0) -}}
{{- fail (printf "snapshots.enabled: the kernel gives DAC_READ_SEARCH only to user 0, but runAs.user is %d" ($v.runAs.user | int64)) -}}
{{- end -}}
{{- if and $v.snapshots.enabled (eq $v.snapshots.root $v.containerd.socketDirectory) -}}
{{- fail "snapshots.root: it is containerd.socketDirectory; set the directory of containerd's data, for example /var/lib/containerd" -}}
{{- end -}}
{{- range $file, $text := $v.profiles -}}
{{- $profile := fromJson $text -}}
{{- with $profile.Error -}}
{{- fail (printf "profiles: %s is not a JSON object: %s" $file .) -}}
{{- end -}}
{{- if not (and $profile.name $profile.description) -}}
{{- fail (printf "profiles: %s has no name or no description" $file) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $v.security.seccompProfile.type "Localhost") (not $v.security.seccompProfile.localhostProfile) -}}
{{- fail "security.seccompProfile.localhostProfile: the type is Localhost; set the name of the profile" -}}
{{- end -}}
{{- end -}}
