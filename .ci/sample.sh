# Sourced by .ci/quickstart and .ci/load: a sample image and a server, in a temporary directory.
# shellcheck shell=bash

# Remove the caller's variables, so that only the flags below configure the server.
for variable in ${!SPECD_@}; do
    case $variable in SPECD_TOOLS) ;; *) unset "$variable" ;; esac
done

work=$(mktemp -d /tmp/specd.XXXXXX)
socket=unix://$work/specd.sock
server=

cleanup() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# blob FILE MEDIA_TYPE: moves the file into the layout and prints its descriptor, without the closing brace.
blob() {
    local digest size
    digest=$(sha256sum <"$1" | cut -d' ' -f1)
    size=$(stat -c %s "$1")
    mv "$1" "$work/layout/blobs/sha256/$digest"
    printf '{"mediaType":"%s","digest":"sha256:%s","size":%d' "$2" "$digest" "$size"
}

# Writes an OCI layout with the image docker.io/library/hello:latest: one layer with the account files.
make_layout() {
    local layout=$work/layout arch diff_id layer config manifest
    case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
    mkdir -p "$layout/blobs/sha256" "$work/root/etc"
    printf 'root:x:0:0:root:/root:/bin/sh\nhello:x:1000:1000::/srv:/bin/sh\n' >"$work/root/etc/passwd"
    printf 'root:x:0:\nhello:x:1000:\naudio:x:29:hello\n' >"$work/root/etc/group"
    tar -C "$work/root" --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
        -cf "$work/layer" etc
    diff_id=$(sha256sum <"$work/layer" | cut -d' ' -f1)
    layer=$(blob "$work/layer" application/vnd.oci.image.layer.v1.tar)

    printf '{"os":"linux","architecture":"%s","config":{"User":"hello","WorkingDir":"/srv",%s%s},%s}' "$arch" \
        '"Env":["PATH=/usr/local/bin:/usr/bin:/bin","GREETING=hello"],' \
        '"Entrypoint":["/usr/local/bin/hello"],"Cmd":["world"],"ExposedPorts":{"8080/tcp":{}}' \
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$diff_id\"]}" >"$work/config"
    config=$(blob "$work/config" application/vnd.oci.image.config.v1+json)

    printf '{"schemaVersion":2,"mediaType":"%s","config":%s},"layers":[%s}]}' \
        application/vnd.oci.image.manifest.v1+json "$config" "$layer" >"$work/manifest"
    manifest=$(blob "$work/manifest" application/vnd.oci.image.manifest.v1+json)

    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    printf '{"schemaVersion":2,"manifests":[%s,"platform":{"os":"linux","architecture":"%s"},%s}]}' "$manifest" "$arch" \
        '"annotations":{"org.opencontainers.image.ref.name":"docker.io/library/hello:latest"}' >"$layout/index.json"
}

# start_server BINARY: starts a server with the layout, and returns when it answers.
start_server() {
    "$1" serve --listen "$socket" --oci-layout "$work/layout" >"$work/log" 2>&1 </dev/null &
    server=$!
    local tries
    for tries in $(seq 150); do
        if "$1" health --server "$socket" >/dev/null 2>&1; then return; fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    echo "error: the server did not start (after $tries attempts); its log:" >&2
    cat "$work/log" >&2
    exit 1
}

# Stops the server with SIGTERM, and fails if its exit code is not 0.
stop_server() {
    local pid=$server code=0
    server=
    kill "$pid"
    wait "$pid" || code=$?
    if [ "$code" != 0 ]; then
        echo "error: the server exited with code $code; its log:" >&2
        cat "$work/log" >&2
        exit 1
    fi
}

# Prints cargo's target directory.
target_directory() {
    cargo metadata --format-version 1 --no-deps --locked | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}
