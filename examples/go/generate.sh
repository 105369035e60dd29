#!/bin/sh
# Generates the stubs of specd with the plugins that go.mod names; those of containerd come with its Go module.
set -e
protoc -I../../proto --go_out=. --go-grpc_out=. --go_opt=paths=source_relative --go-grpc_opt=paths=source_relative \
    --plugin="$(go tool -n protoc-gen-go)" --plugin="$(go tool -n protoc-gen-go-grpc)" ../../proto/specd/v1/*.proto
