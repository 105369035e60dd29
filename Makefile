SHELL := bash

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-full build fmt lint chart docs kube tools static image deb oracle load bench bench-core torture advisories stale bare clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build specd, serve a sample image on a private socket, print its spec
	@.ci/quickstart

test: ## run every check that a change needs, with a real containerd and runc if root and Go are available
	@.ci/test

test-fast: ## run every test that does not need containerd
	@.ci/test fast

test-full: ## what make test leaves out: the image, the Debian package, Kubernetes, the older releases' oracles, cargo-deny, the book
	@.ci/test full

build: ## build the release binary
	cargo build --locked --release

static: ## build the static release binary
	@.ci/static

deb: ## write the Debian package: the static binary, systemd units, manual pages, completions
	@.ci/deb

image: ## write the container image without a builder: an OCI layout, a tar, and a bill of materials
	@.ci/image

fmt: ## format the sources
	cargo fmt

lint: ## run formatting, clippy, buf, hadolint, the chart and rustdoc, without the tests
	@.ci/test lint

chart: ## run every check of the Helm chart that needs no cluster
	@.ci/tools chart
	@.ci/chart

docs: ## build the documentation as a book, and check its links
	@.ci/tools docs
	@.ci/docs

kube: ## test the chart on a temporary one-node Kubernetes, which is built once
	@.ci/tools kube
	@.ci/kube/run

tools: ## install the pinned tools that all targets need
	@.ci/tools

oracle: ## compare 10,000 random cases for each of seven releases with containerd's own Go client
	@.ci/tools oracle
	SPECD_ORACLE_RELEASES=all SPECD_ORACLE_CASES=$${SPECD_ORACLE_CASES:-10000} \
		SPECD_ORACLE_SPECS=$${SPECD_ORACLE_SPECS:-20000} SPECD_ORACLE_SEED=$${SPECD_ORACLE_SEED:-random} cargo test --locked --test oracle

load: ## send 10,000 calls with ghz to a server with an OCI layout; any error fails
	@.ci/load

bench: ## measure specd beside an echo and a Go server on a real containerd, and write docs/performance.md
	@.ci/bench

bench-core: ## measure the pure core, and the cost of the :authority filter
	@.ci/tools bench
	cargo bench --locked --bench authority --bench core

torture: ## attack the release binary within 512 MiB and 2 CPUs, and write docs/torture.md; ROW=name runs one attack
	@.ci/torture $(ROW)

advisories: ## check the dependencies against the RustSec database (needs GitHub)
	@.ci/tools advisories
	@PATH="$${SPECD_TOOLS:-$${XDG_CACHE_HOME:-$$HOME/.cache}/specd/tools}/bin:$$PATH" cargo deny --locked check advisories

stale: ## list pinned modules of which the Go proxy serves a newer release (needs the network)
	@.ci/stale

bare: ## run make run and make test on a minimal Debian in namespaces of its own (needs root and debootstrap, takes long)
	@.ci/bare

clean: ## remove build output
	cargo clean
