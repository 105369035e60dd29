{{/*
Checks that the schema cannot express: values that are valid by themselves but not together. Each message says how to fix it.
*/}}

{{/* A duration in whole milliseconds, rounded up: the sum of its parts. */}}
{{- define "specd.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9.]+(ms|[smhd])" . -1 -}}
{{- $sum = addf $sum (mulf (regexFind "[0-9.]+" .) (get $units (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- ceil $sum | int64 -}}
{{- end -}}

{{/* Not empty if a text is an IPv4 address, or an IPv6 address in brackets. */}}
{{- define "specd.isAddress" -}}
{{- $octet := "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])" -}}
{{- $four := printf "%s(\\.%s){3}" $octet $octet -}}
{{- if regexMatch (printf "^%s$" $four) . -}}
yes
{{- else if regexMatch "^\\[.*\\]$" . -}}
{{- $groups := "[0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*" -}}
{{- /* An IPv4 address at the end stands for two groups. */ -}}
{{- $six := regexReplaceAll (printf ":%s$" $four) (. | trimPrefix "[" | trimSuffix "]") ":0:0" -}}
{{- $count := regexFindAll "[0-9A-Fa-f]+" $six -1 | len -}}
{{- if and (regexMatch (printf "^%s$" $groups) $six) (eq $count 8) -}}
yes
{{- else if and (regexMatch (printf "^(%s)?::(%s)?$" $groups $groups) $six) (le $count 7) -}}
yes
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Checks of single values against what the server accepts, where the schema cannot say it, or not in words. */}}
{{- define "specd.serverChecks" -}}
{{- $v := .Values -}}
{{- $server := .Files.Get "files/server.yaml" | fromYaml -}}
{{- if not (contains "POD_IP" $v.bindAddress) -}}
{{- if not (include "specd.isAddress" $v.bindAddress) -}}
{{- fail (printf "bindAddress: %s is not an IP address; set 0.0.0.0, [::], $(POD_IP), or an address of the pod (IPv6 in brackets)" $v.bindAddress) -}}
{{- end -}}
{{- if regexMatch "^(127\\.|\\[::1\\]$|\\[::ffff:127\\.)" $v.bindAddress -}}
{{- fail (printf "bindAddress: %s is a loopback address, and the kubelet probes the health port at the pod's address; set 0.0.0.0, [::] or $(POD_IP)" $v.bindAddress) -}}
{{- end -}}
{{- end -}}
{{- if $v.snapshots.enabled -}}
{{- $timeout := include "specd.milliseconds" $v.snapshots.timeout | int64 -}}
{{- if or (lt $timeout 1000) (gt $timeout 3600000) -}}
{{- fail (printf "snapshots.timeout: %s is not within 1s to 1h" $v.snapshots.timeout) -}}
{{- end -}}
{{- end -}}
{{- range splitList "," (ternary "info" $v.log.filter (contains "[" $v.log.filter)) -}}
{{- if not (regexMatch "^\\s*([^=\\s]+=)?(?i:off|error|warn|info|debug|trace|[0-5])\\s*$" .) -}}
{{- fail (printf "log.filter: %q has no level; set off, error, warn, info, debug or trace, or TARGET=LEVEL, separated by commas, for example warn,specd=debug" .) -}}
{{- end -}}
{{- end -}}
{{- $profiles := $server.profiles -}}
{{- range $file, $text := $v.profiles -}}
{{- $profile := fromJson $text -}}
{{- with $profile.Error -}}
{{- fail (printf "profiles: %s is not a JSON object: %s" $file .) -}}
{{- end -}}
{{- if not (and $profile.name (hasKey $profile "description")) -}}
{{- fail (printf "profiles: %s has no name or no description" $file) -}}
{{- end -}}
{{- range concat (list $profile.name) ($profile.aliases | default list) -}}
{{- if has . (append $profiles "node") -}}
{{- fail (printf "profiles: %s has the name %q, which another profile has; choose another name" $file .) -}}
{{- end -}}
{{- $profiles = append $profiles . -}}
{{- end -}}
{{- end -}}
{{- range $file, $text := $v.profiles -}}
{{- $base := (fromJson $text).extends -}}
{{- if and $base (not (has $base $profiles)) -}}
{{- fail (printf "profiles: %s extends %q, but no profile has this name; known are %s" $file $base (join ", " $profiles)) -}}
{{- end -}}
{{- end -}}
{{- $flags := list -}}
{{- range include "specd.ownArgs" . | fromYamlArray -}}
{{- $flags = append $flags (regexFind "^--[^=]+" .) -}}
{{- end -}}
{{- $added := list -}}
{{- range $v.extraArgs -}}
{{- $flag := regexFind "^--[^=]+" . -}}
{{- $name := trimPrefix "--" $flag -}}
{{- if and $flag (not (has $name $server.repeatable)) -}}
{{- if has $flag $flags -}}
{{- fail (printf "extraArgs: %s is set by the chart: use %s" $flag (get $server.values $name)) -}}
{{- end -}}
{{- if has $flag $added -}}
{{- fail (printf "extraArgs: %s is there twice, and the server accepts it once" $flag) -}}
{{- end -}}
{{- end -}}
{{- $added = append $added $flag -}}
{{- end -}}
{{- /* Profiles may also be in a directory that another volume has. */ -}}
{{- $elsewhere := or (has "--profiles-dir" $added) (not (empty $v.extraEnvFrom)) -}}
{{- range $v.extraEnv -}}
{{- if eq .name "SPECD_PROFILES_DIR" -}}{{- $elsewhere = true -}}{{- end -}}
{{- end -}}
{{- if not (or $elsewhere (has $v.defaultProfile (append $profiles "node"))) -}}
{{- fail (printf "defaultProfile: no profile has the name %q; known are %s, node" $v.defaultProfile (join ", " $profiles)) -}}
{{- end -}}
{{- end -}}

{{- define "specd.checks" -}}
{{- $v := .Values -}}
{{- include "specd.serverChecks" . -}}
{{- $drain := div (add (include "specd.milliseconds" $v.limits.drainTimeout) 999) 1000 -}}
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
{{- if and (eq $v.security.seccompProfile.type "Localhost") (not $v.security.seccompProfile.localhostProfile) -}}
{{- fail "security.seccompProfile.localhostProfile: the type is Localhost; set the name of the profile" -}}
{{- end -}}
{{- end -}}
