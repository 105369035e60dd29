# Sourced by inside: the steps of the test, in order.
# shellcheck shell=bash

namespace=specd-system
values=(--set hostNetwork=true,image.pullPolicy=Never,bindAddress="$address")
k() { kubectl --namespace "$namespace" "$@"; }
pod() { k get pods -l app.kubernetes.io/component=server -o "jsonpath={.items[0].$1}"; }
is_ready() { [ "$(pod 'status.conditions[?(@.type=="Ready")].status')" = "$1" ]; }
restarts() { pod 'status.containerStatuses[0].restartCount'; }

install() {
    kubectl create namespace "$namespace" >/dev/null
    kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=privileged >/dev/null
    helm install specd helm/specd --namespace "$namespace" "${values[@]}" --dry-run=server >/dev/null || fail "helm install --dry-run=server"
    helm install specd helm/specd --namespace "$namespace" "${values[@]}" >/dev/null || fail "helm install"
    k rollout status daemonset/specd --timeout 60s >/dev/null || fail "the DaemonSet does not become ready"
    say "helm install: the DaemonSet is ready by its gRPC probes"
}

helm_test() {
    helm test specd --namespace "$namespace" --timeout 60s >"$work/log/helm-test.log" 2>&1 || fail "helm test"
    say "helm test: healthy, and a spec was generated"
}

# A client pod with a user other than root and the given group.
client() { # NAME COMMAND...
    local name=$1 arguments
    shift
    arguments=$(printf '"%s",' "$@")
    cat <<EOF
apiVersion: v1
kind: Pod
metadata: {name: $name, namespace: $namespace}
spec:
  restartPolicy: Never
  hostNetwork: true
  automountServiceAccountToken: false
  securityContext: {runAsUser: 1000, runAsGroup: $1, runAsNonRoot: true}
  containers:
    - name: client
      image: $specd_image
      imagePullPolicy: Never
      args: [${arguments#*,}]
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
      volumeMounts: [{name: specd, mountPath: /run/specd, readOnly: true}]
  volumes: [{name: specd, hostPath: {path: /run/specd, type: Directory}}]
EOF
}
phase() { [ "$(k get pod "$1" -o jsonpath='{.status.phase}')" = "$2" ]; }

unprivileged() {
    local call=(generate "$specd_image" --namespace=k8s.io --id=client --user=1000:1000 --server=unix:///run/specd/specd.sock)
    client member 0 "${call[@]}" | kubectl apply -f - >/dev/null
    client stranger 1000 "${call[@]}" | kubectl apply -f - >/dev/null
    within 30 phase member Succeeded || fail "a client in the socket's group gets no spec"
    within 30 phase stranger Failed || fail "a client outside the socket's group is not refused"
    k logs member | grep '"ociVersion"' >/dev/null || fail "the client has no spec"
    k delete pod member stranger --now >/dev/null
    say "a client other than root gets a spec over the hostPath socket, and one outside its group is refused"
}

containerd_away() {
    local from before
    before=$(restarts)
    from=$(now)
    kill -KILL "${pids[containerd]}"
    within 10 is_ready False || fail "readiness does not follow containerd down"
    say "containerd killed: unready after $(since "$from") s"
    from=$(now)
    start_containerd
    within 30 is_ready True || fail "the pod does not become ready again with containerd"
    say "containerd started: ready after $(since "$from") s"
    [ "$(restarts)" = "$before" ] || fail "the pod was restarted"
}

# Sends calls while the DaemonSet is replaced. Each call is retried for the start time of a container.
upgrade() {
    local specd caller calls lost
    mkdir "$work/root"
    ctr_ images mount "$specd_image" "$work/root" >/dev/null
    specd=$(find "$work/root" -name specd -type f -perm -100 | head -1)
    : >"$work/stop"
    (
        while [ -e "$work/stop" ]; do
            from=$(now)
            until "$specd" generate "$specd_image" --namespace k8s.io --id upgrade --user 1:1 \
                --server unix:///run/specd/specd.sock >/dev/null 2>>"$work/log/calls.err"; do
                awk -v passed="$(since "$from")" 'BEGIN { exit !(passed < 20) }' || { echo lost; break; }
                sleep 0.1
            done
            echo called
        done
    ) >"$work/log/calls.log" &
    caller=$!
    helm upgrade specd helm/specd --namespace "$namespace" "${values[@]}" --set log.filter=debug >/dev/null || fail "helm upgrade"
    k rollout status daemonset/specd --timeout 60s >/dev/null || fail "the upgraded DaemonSet does not become ready"
    rm "$work/stop"
    wait "$caller"
    ctr_ images unmount "$work/root" >/dev/null
    calls=$(grep -c called "$work/log/calls.log") lost=$(grep -c lost "$work/log/calls.log" || true)
    [ "$lost" = 0 ] || fail "$lost of $calls calls were lost in the upgrade"
    # A running call must not be cut off: the client would see a connection reset.
    ! grep -qiE 'reset|broken pipe|h2 protocol' "$work/log/calls.err" || fail "a call was cut: $(tail -1 "$work/log/calls.err")"
    say "helm upgrade: $calls calls during the upgrade, none lost"
}

uninstall() {
    helm uninstall specd --namespace "$namespace" --wait --timeout 60s >/dev/null || fail "helm uninstall"
    within 90 none_left || fail "objects remain: $(k get all -o name | tr '\n' ' ') $(ls -A /run/specd)"
    say "helm uninstall: no object, container or socket remains"
}
none_left() {
    [ -z "$(k get all -o name)" ] && [ -z "$(ls -A /run/specd)" ] && [ -z "$(ctr_ containers list -q)" ]
}

run_steps() {
    install
    helm_test
    unprivileged
    containerd_away
    upgrade
    uninstall
    echo "6 passed, 0 failed"
}
