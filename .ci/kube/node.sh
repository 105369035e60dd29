# Sourced by inside: starts the parts of a node. Directories that must not be shared with the host are mounted over.
# shellcheck shell=bash

export PATH=$kubernetes:$containerd:$PATH KUBECONFIG=$work/kubeconfig HELM_CACHE_HOME=$work/helm
export HELM_CONFIG_HOME=$work/helm HELM_DATA_HOME=$work/helm HOME=$work/home
address=10.77.0.2
mkdir -p "$work"/{log,pki,etcd,containerd,cni/conf,cni/bin,kubelet,home}

now() { date +%s%N; }
# since START: seconds with hundredths.
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.2f", (to - from) / 1e9 }'; }
say() { printf '%7s s  %s\n' "$(since "$began")" "$*"; }
begun=false
fail() {
    echo "FAILED: $*" >&2
    if "$begun"; then
        kubectl get pods -A -o wide >&2 || true
        kubectl get events -A --sort-by=.lastTimestamp 2>/dev/null | tail -15 >&2 || true
        kubectl -n specd-system logs -l app.kubernetes.io/component=server --tail 20 >&2 || true
    fi
    tail -n 5 "$work"/log/*.log >&2
    exit 1
}

# within SECONDS COMMAND...: repeats the command until it succeeds or the time is over.
within() {
    local limit=$1 from
    shift
    from=$(now)
    until "$@" >/dev/null 2>&1; do
        awk -v passed="$(since "$from")" -v limit="$limit" 'BEGIN { exit !(passed < limit) }' || return 1
        sleep 0.1
    done
}

# part NAME ARGUMENT...: starts a part of the node with its own log.
part() {
    local name=$1
    shift
    "$name" "$@" >>"$work/log/$name.log" 2>&1 &
    pids[$name]=$!
}
declare -A pids

mounts() {
    # Pods see later mounts only if mounts are shared, which is the default with systemd.
    mount --make-rshared /
    mount -t tmpfs tmpfs /run
    mkdir -p /run/lock /var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers
    local directory
    for directory in /var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers; do
        mount -t tmpfs tmpfs "$directory"
    done
}

# The kubelet refuses loopback as the node's address, so use a veth pair without a peer network.
network() {
    ip link set lo up
    ip link add node0 type veth peer name node1
    ip address add "$address/24" dev node0
    ip link set node0 up
    ip link set node1 up
    ip route add default via 10.77.0.1 dev node0
}

certificates() {
    cd "$work/pki"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj /CN=apiserver -keyout apiserver.key -out apiserver.csr 2>/dev/null
    printf 'subjectAltName=IP:127.0.0.1,IP:%s,IP:10.96.0.1,DNS:kubernetes.default.svc\n' "$address" >extensions
    openssl x509 -req -in apiserver.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extensions \
        -out apiserver.crt 2>/dev/null
    openssl genrsa -out accounts.key 2048 2>/dev/null
    local token
    token=$(openssl rand -hex 16)
    echo "$token,admin,admin,system:masters" >tokens
    cat >"$KUBECONFIG" <<EOF
apiVersion: v1
kind: Config
clusters: [{name: node, cluster: {server: "https://127.0.0.1:6443", certificate-authority: $work/pki/ca.crt}}]
users: [{name: admin, user: {token: $token}}]
contexts: [{name: node, context: {cluster: node, user: admin}}]
current-context: node
EOF
    cd - >/dev/null
}

start_containerd() {
    cat >"$work/containerd.toml" <<EOF
version = 3
root = "$work/containerd"
state = "/run/containerd"
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.cri.v1.images"]
snapshotter = "overlayfs"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "docker.io/local/pause:1"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["$work/cni/bin"]
conf_dir = "$work/cni/conf"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = false
EOF
    part containerd --config "$work/containerd.toml"
}
ctr_() { ctr --address /run/containerd/containerd.sock --namespace k8s.io "$@"; }

# The sandbox image: a program that waits until it gets a signal.
pause_image() {
    local root=$work/pause/root layout=$work/pause/layout file digest
    mkdir -p "$root" "$layout/blobs/sha256"
    cc -Os -static -o "$root/pause" -xc - <<'EOF'
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int signal) { (void)signal; _exit(0); }
static void reap(int signal) { (void)signal; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
    signal(SIGINT, end);
    signal(SIGTERM, end);
    signal(SIGCHLD, reap);
    for (;;) pause();
}
EOF
    store() { # FILE MEDIA_TYPE
        digest=$(sha256sum <"$1" | cut -d' ' -f1)
        printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}' "$2" "$digest" "$(stat -c %s "$1")"
        cp "$1" "$layout/blobs/sha256/$digest"
    }
    file=$work/pause/file
    tar -C "$root" -cf "$work/pause/layer" pause
    local layer config manifest arch
    case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
    layer=$(store "$work/pause/layer" application/vnd.oci.image.layer.v1.tar)
    printf '{"os":"linux","architecture":"%s","config":{"Entrypoint":["/pause"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$arch" "$(sha256sum <"$work/pause/layer" | cut -d' ' -f1)" >"$file"
    config=$(store "$file" application/vnd.oci.image.config.v1+json)
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
        "$config" "$layer" >"$file"
    manifest=$(store "$file" application/vnd.oci.image.manifest.v1+json)
    printf '{"schemaVersion":2,"manifests":[%s]}' \
        "${manifest%\}},\"annotations\":{\"io.containerd.image.name\":\"docker.io/local/pause:1\"}}" >"$layout/index.json"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    tar -C "$layout" -cf "$work/pause.tar" .
    ctr_ images import "$work/pause.tar" >>"$work/log/images.log" 2>&1
}

control_plane() {
    part etcd --data-dir "$work/etcd" --unsafe-no-fsync --log-level warn \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380
    part kube-apiserver --etcd-servers http://127.0.0.1:2379 --advertise-address "$address" --secure-port 6443 \
        --kubelet-preferred-address-types InternalIP --service-cluster-ip-range 10.96.0.0/16 --allow-privileged --authorization-mode Node,RBAC \
        --token-auth-file "$work/pki/tokens" --tls-cert-file "$work/pki/apiserver.crt" \
        --tls-private-key-file "$work/pki/apiserver.key" --cert-dir "$work/pki" --service-account-issuer https://node \
        --service-account-key-file "$work/pki/accounts.key" --service-account-signing-key-file "$work/pki/accounts.key"
    within 60 kubectl get --raw /readyz || fail "the API server does not start"
    part kube-controller-manager --kubeconfig "$KUBECONFIG" --controllers '*,-node-ipam-controller' --leader-elect=false \
        --service-account-private-key-file "$work/pki/accounts.key" --root-ca-file "$work/pki/ca.crt" \
        --cert-dir "$work/pki" --authentication-skip-lookup
    part kube-scheduler --kubeconfig "$KUBECONFIG" --leader-elect=false --authentication-skip-lookup
}

start_kubelet() {
    # The node is only ready with a pod network. All pods of this test use the node's network.
    echo '{"cniVersion":"1.0.0","name":"none","plugins":[{"type":"bridge"}]}' >"$work/cni/conf/10-none.conflist"
    cat >"$work/kubelet.yaml" <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
failCgroupV1: false
cgroupDriver: cgroupfs
failSwapOn: false
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
evictionHard: {memory.available: 10Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
resolvConf: ""
imageGCHighThresholdPercent: 100
oomScoreAdj: 0
EOF
    part kubelet --kubeconfig "$KUBECONFIG" --config "$work/kubelet.yaml" --hostname-override node --node-ip "$address" \
        --root-dir "$work/kubelet" --cert-dir "$work/pki/kubelet"
    within 60 node_ready || fail "the node does not become ready"
}
node_ready() { [ "$(kubectl get node node -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

start_node() {
    began=$(now)
    mounts
    network
    certificates
    start_containerd
    within 20 ctr_ version || fail "containerd does not start"
    pause_image
    ctr_ images import "$image" >>"$work/log/images.log" 2>&1 || fail "the image cannot be imported"
    say "containerd has the images"
    control_plane
    begun=true
    start_kubelet
    within 20 kubectl get serviceaccount default || fail "the controllers do not start"
    say "the node is ready"
}
version=$(sed -n 's/^appVersion: "\(.*\)"/\1/p' helm/specd/Chart.yaml)
specd_image=localhost/specd:$version
