{{/*
What a schema cannot say: values that are each right and do not go together. One sentence for each, which says what would be right.
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
{{- fail (printf "terminationGracePeriodSeconds: %d is not above limits.drainTimeout (%s), so calls would be killed in the middle; make it at least %d" ($v.terminationGracePeriodSeconds | int64) $v.limits.drainTimeout (add $drain 5)) -}}
{{- end -}}
{{- if not (or $v.socket.enabled $v.tcp.enabled) -}}
{{- fail "socket.enabled and tcp.enabled are both false: nobody could call the server; turn one of them on" -}}
{{- end -}}
{{- if and $v.tcp.enabled (not $v.tls.enabled) (not $v.tcp.insecure) -}}
{{- fail "tcp.enabled: the port would be plaintext on the pod's network; set tls.enabled and tls.secretName, or allow it with tcp.insecure" -}}
{{- end -}}
{{- if and $v.tls.enabled (not $v.tcp.enabled) -}}
{{- fail "tls.enabled: TLS is for TCP, and tcp.enabled is false" -}}
{{- end -}}
{{- if and $v.tls.enabled $v.tcp.insecure -}}
{{- fail "tcp.insecure: it allows TCP without TLS, and tls.enabled is true; set one of them" -}}
{{- end -}}
{{- if and $v.tls.enabled (not $v.tls.secretName) -}}
{{- fail "tls.secretName: name the secret with the certificate, tls.enabled is true" -}}
{{- end -}}
{{- if and $v.tls.allowSans (not (and $v.tls.enabled $v.tls.clientAuth)) -}}
{{- fail "tls.allowSans: names are read from clients' certificates, so tls.enabled and tls.clientAuth must be true" -}}
{{- end -}}
{{- $ports := list ($v.health.port | int64) -}}
{{- if $v.metrics.enabled -}}{{- $ports = append $ports ($v.metrics.port | int64) -}}{{- end -}}
{{- if $v.tcp.enabled -}}{{- $ports = append $ports ($v.tcp.port | int64) -}}{{- end -}}
{{- if ne (len $ports) (len (uniq $ports)) -}}
{{- fail "health.port, metrics.port and tcp.port: two of them are the same; give each its own" -}}
{{- end -}}
{{- if not $v.metrics.enabled -}}
{{- range $what := list "monitor" "rules" "dashboard" -}}
{{- if (get $v.metrics $what).enabled -}}
{{- fail (printf "metrics.%s.enabled: there is nothing to show while metrics.enabled is false" $what) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $v.socket.enabled -}}
{{- $path := printf "%s/%s" $v.socket.directory $v.socket.name -}}
{{- if gt (len $path) 107 -}}
{{- fail (printf "socket.directory and socket.name: %s has %d bytes, a unix socket's path may have 107" $path (len $path)) -}}
{{- end -}}
{{- if or (eq $v.socket.directory $v.containerd.socketDirectory) (hasPrefix (printf "%s/" $v.containerd.socketDirectory) $v.socket.directory) -}}
{{- fail (printf "socket.directory: %s is in containerd.socketDirectory, which is mounted read-only; choose another directory, as /run/specd" $v.socket.directory) -}}
{{- end -}}
{{- if and (ne ($v.runAs.user | int64) 0) (eq $v.socket.directoryType "DirectoryOrCreate") -}}
{{- fail (printf "runAs.user: user %d could not make a socket in the directory that the kubelet creates for root; make the directory on the nodes for that user and set socket.directoryType to Directory, or turn socket.enabled off" ($v.runAs.user | int64)) -}}
{{- end -}}
{{- else if or $v.socket.allowUids $v.socket.allowGids -}}
{{- fail "socket.allowUids and socket.allowGids: they limit the unix socket, and socket.enabled is false" -}}
{{- end -}}
{{- if and $v.snapshots.enabled (ne ($v.runAs.user | int64) 0) -}}
{{- fail (printf "snapshots.enabled: only user 0 is given DAC_READ_SEARCH by the kernel, and runAs.user is %d" ($v.runAs.user | int64)) -}}
{{- end -}}
{{- if and $v.snapshots.enabled (eq $v.snapshots.root $v.containerd.socketDirectory) -}}
{{- fail "snapshots.root: it is containerd.socketDirectory; name the directory that containerd keeps its data in, as /var/lib/containerd" -}}
{{- end -}}
{{- range $file, $text := $v.profiles -}}
{{- $profile := fromJson $text -}}
{{- with $profile.Error -}}
{{- fail (printf "profiles: %s is no JSON object: %s" $file .) -}}
{{- end -}}
{{- if not (and $profile.name $profile.description) -}}
{{- fail (printf "profiles: %s has no name or no description" $file) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $v.security.seccompProfile.type "Localhost") (not $v.security.seccompProfile.localhostProfile) -}}
{{- fail "security.seccompProfile.localhostProfile: name the profile, the type is Localhost" -}}
{{- end -}}
{{- end -}}
