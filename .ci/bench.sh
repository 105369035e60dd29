# Sourced by .ci/bench: servers, and measurements of them. A server NAME has its log in $work/NAME.log, and listens on
# $work/NAME.sock if it listens on a unix socket.
# shellcheck shell=bash disable=SC2154

figures=
ticks=$(getconf CLK_TCK)
declare -A pids=()

stop_all() {
    local name
    for name in "${!pids[@]}"; do kill "${pids[$name]}" 2>/dev/null || true; done
    for name in "${!pids[@]}"; do wait "${pids[$name]}" 2>/dev/null || true; done
    cleanup
}
trap stop_all EXIT

# start NAME COMMAND...: starts a server, in place of the one of this name.
start() {
    local name=$1
    shift
    if [ -n "${pids[$name]:-}" ]; then
        kill "${pids[$name]}"
        wait "${pids[$name]}" || true
    fi
    rm -f "$work/$name.sock"
    "$@" >"$work/$name.log" 2>&1 </dev/null &
    pids[$name]=$!
}

# await NAME COMMAND...: waits until the command succeeds.
await() {
    local name=$1 tries
    shift
    for tries in $(seq 100); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    die "$name does not answer (after $tries attempts); its log: $(tail -5 "$work/$name.log")"
}

# Its content is in memory, in a mount that goes with the process: it syncs each blob, which takes minutes on a disk.
start_containerd() {
    mkdir "$work/containerd-root"
    cat >"$work/containerd.toml" <<TOML
version = 2
root = "$work/containerd-root"
state = "$work/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri"]
[grpc]
address = "$work/containerd.sock"
TOML
    # shellcheck disable=SC2016
    start containerd env PATH="$containerd:$PATH" unshare --mount sh -c 'mount -t tmpfs tmpfs "$1" && exec containerd --config "$2"' \
        sh "$work/containerd-root" "$work/containerd.toml"
    await containerd "$containerd/ctr" -a "$work/containerd.sock" version
}

# import NAMESPACE: imports the images of the layout in a tar on standard input.
import() {
    "$containerd/ctr" -a "$work/containerd.sock" -n "$1" images import --local --all-platforms --no-unpack - >"$work/import" 2>&1 ||
        die "the images were not imported: $(tail -3 "$work/import")"
}

# start_specd NAME FLAG...: with the allocator's setting of the image and of the unit of systemd.
start_specd() {
    local name=$1
    shift
    start "$name" env MIMALLOC_DISALLOW_ARENA_ALLOC=1 "$specd" serve --listen "unix://$work/$name.sock" \
        --metrics-listen "unix://$work/$name.metrics" --containerd "$work/containerd.sock" "$@"
    await "$name" "$specd" health --server "unix://$work/$name.sock"
}

# start_peer NAME [ADDRESS]
start_peer() {
    start "$1" "$tools/bench-peer" "${2:-unix://$work/$1.sock}" "$work/containerd.sock" "$work/root"
    await "$1" grep -q ready "$work/$1.log"
}

# string NUMBER TEXT: a field of a protobuf message, at most 127 bytes long.
string() { printf "\\x$(printf %02x $(($1 * 8 + 2)))\\x$(printf %02x ${#2})%s" "$2"; }

# framed FILE: the message in FILE as gRPC sends it.
framed() {
    local size
    size=$(stat -c %s "$1")
    [ "$size" -lt 256 ] || die "a request of $size bytes"
    { printf "\\x00\\x00\\x00\\x00\\x$(printf %02x "$size")"; cat "$1"; } >"$1.frame"
}

# resident NAME: its memory in MiB.
resident() { awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/${pids[$1]}/status"; }

# used NAME: its CPU time in us.
used() { awk -v ticks="$ticks" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000000 / ticks }' "/proc/${pids[$1]}/stat"; }

# refused NAME: how many calls this specd did not answer. At the end of a measurement h2load cancels some.
refused() {
    curl -sS --unix-socket "$work/$1.metrics" http://localhost/metrics |
        awk '/^grpc_server_handled_total.*"Generate"/ && !/"(OK|Canceled)"/ { sum += $NF } END { print sum + 0 }'
}

# by_h2load NAME TARGET CONNECTIONS STREAMS FRAME PATH: measures the same call again and again. The figures are calls a second, median
# and 99th percentile in us, and CPU of the server for each call in us.
by_h2load() {
    local name=$1 target=$2 connections=$3 streams=$4 frame=$5 path=$6 base=() before after
    case $target in
    unix:*) base=(-B "$target") target=http://localhost ;;
    esac
    local send=(h2load -c "$connections" -m "$streams" -d "$frame" -H 'content-type: application/grpc' -H 'te: trailers'
        -H 'containerd-namespace: default' "${base[@]}")
    "${send[@]}" -n $((connections * streams * 20)) "$target$path" >/dev/null
    rm -f "$work/latencies"
    before=$(used "$name")
    "${send[@]}" -D "$seconds" --log-file "$work/latencies" "$target$path" >"$work/h2load"
    after=$(used "$name")
    grep -q ' 0 failed, 0 errored' "$work/h2load" || die "$name, $connections connections: $(cat "$work/h2load")"
    figures=$(sort -n -k3,3 "$work/latencies" | awk -v seconds="$seconds" -v cpu=$((after - before)) '{ took[NR] = $3 }
        END { printf "%.0f\t%d\t%d\t%.1f", NR / seconds, took[int(NR / 2) + 1], took[int(NR * 0.99) + 1], cpu / NR }')
}

# by_ghz NAME ADDRESS CALLERS FLAG...: measures calls that differ. Each caller has a connection. The figures are the same.
by_ghz() {
    local name=$1 address=$2 callers=$3 before after
    shift 3
    before=$(used "$name")
    "$tools/bin/ghz" --insecure --proto specd/v1/spec_service.proto --import-paths proto --call specd.v1.SpecService/Generate \
        --disable-template-functions --disable-template-data --concurrency "$callers" --connections "$callers" --duration-stop wait "$@" \
        --format json --output "$work/ghz" "$address" >/dev/null
    after=$(used "$name")
    figures=$(python3 -c '
import json, sys
report = json.load(open(sys.argv[1]))
if list(report["statusCodeDistribution"]) != ["OK"]:
    sys.exit(str(report["errorDistribution"]))
took = {entry["percentage"]: entry["latency"] / 1000 for entry in report["latencyDistribution"]}
print("%.0f\t%.0f\t%.0f\t%.1f" % (report["rps"], took[50], took[99], int(sys.argv[2]) / report["count"]))
' "$work/ghz" $((after - before))) || die "$name: some calls failed, see above"
}

# add TABLE CASE NUMBER ROW NAME: adds the figures to those of the report, with the memory of the server.
add() {
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$figures" "$(resident "$5")" | tee -a "$work/figures" >&2
}
