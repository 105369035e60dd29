#!/bin/sh
# From an image to a running container: specd makes the spec, ctr the root filesystem, and runc runs it.
set -eu
cd "$(dirname "$0")"

specd=unix:///run/specd/specd.sock
namespace=default
id=hello-shell

# ANCHOR: call
# Calls Generate. The file gives grpcurl the messages of error details, so that it can print them.
generate() {
    grpcurl -plaintext -format-error -use-reflection -import-path ../proto -proto google/rpc/error_details.proto \
        -d "$1" "$specd" specd.v1.SpecService/Generate
}
# ANCHOR_END: call

grpcurl -plaintext "$specd" grpc.health.v1.Health/Check | jq -r '"health: \(.status)"'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# ANCHOR: request
generate '{
    "image": "busybox", "namespace": "'$namespace'", "id": "'$id'", "profile": "hardened",
    "options": {"process": {"command": {"values": ["sh", "-c", "echo hello from the shell; exit 7"]}}}
}' >"$work/answer.json"
# ANCHOR_END: request
answer() { jq -r "$1" "$work/answer.json"; }

# ANCHOR: container
# The bundle: the spec as it came, and a snapshot of the image as the root filesystem.
mkdir -p "$work/bundle/rootfs"
answer '.spec["@value"]' | base64 -d >"$work/bundle/config.json"
snapshots() { ctr --namespace "$namespace" snapshots --snapshotter "$(answer .container.snapshot.snapshotter)" "$@"; }
snapshots prepare "$id" "$(answer .container.snapshot.parent)"
trap 'umount "$work/bundle/rootfs" || true; snapshots remove "$id"; rm -rf "$work"' EXIT
snapshots mounts "$work/bundle/rootfs" "$id" | sh
# ANCHOR_END: container

exit_code=0
output=$(runc run --bundle "$work/bundle" "$id") || exit_code=$?
echo "output: $output"
echo "exit code: $exit_code"

# ANCHOR: errors
# An error names each field of the request that is wrong.
if generate '{
    "image": "busybox", "namespace": "'$namespace'", "id": "'$id'", "profile": "hardened",
    "options": {"process": {"cwd": "srv", "oomScoreAdj": 5000}}
}' 2>"$work/error.json"; then
    echo "an invalid request was answered" >&2
    exit 1
fi
jq -r '.details[] | if .reason then "error: \(.reason)" else .fieldViolations[] | "  \(.field): \(.description)" end' \
    "$work/error.json"
# ANCHOR_END: errors
