SHELL := bash

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-full build fmt lint chart kube tools static image oracle load bench advisories clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build specd, serve an image on a private socket, print the spec that it answers
	@.ci/quickstart

test: ## every check and test that a change needs, with a real containerd and runc where there are root and Go
	@.ci/test

test-fast: ## every test but those that need containerd
	@.ci/test fast

test-full: ## what make test leaves out: Kubernetes, the older releases' oracles, cargo-deny
	@.ci/test full

build: ## build the release binary
	cargo build --locked --release

static: ## build the release binary that needs no library
	@.ci/static

image: ## write the container image, without a builder: an OCI layout, a tar of it, its bill of materials
	@.ci/image

fmt: ## format the sources
	cargo fmt

lint: ## formatting, clippy, buf, hadolint, the chart and rustdoc, without the tests
	@.ci/test lint

chart: ## every check of the Helm chart that needs no cluster
	@.ci/tools chart
	@.ci/chart

kube: ## the chart on a real one-node Kubernetes, built once, made for it and gone with it
	@.ci/tools kube
	@.ci/kube/run

tools: ## install the pinned tools that all targets need
	@.ci/tools

oracle: ## 10,000 random cases for each of seven releases against containerd's own Go client
	@.ci/tools oracle
	SPECD_ORACLE_RELEASES=all SPECD_ORACLE_CASES=$${SPECD_ORACLE_CASES:-10000} SPECD_ORACLE_SEED=$${SPECD_ORACLE_SEED:-random} cargo test --locked --test oracle

load: ## 10,000 calls with ghz against a served OCI layout, no error allowed
	@.ci/load

bench: ## what the filter on :authority costs, as a ratio of calls a second, and what a spec takes to assemble
	@.ci/tools bench
	cargo bench --locked --bench authority --bench assemble

advisories: ## check the dependencies against the RustSec database (needs GitHub)
	@.ci/tools advisories
	@PATH="$${SPECD_TOOLS:-$${XDG_CACHE_HOME:-$$HOME/.cache}/specd/tools}/bin:$$PATH" cargo deny --locked check advisories

clean: ## remove what was built
	cargo clean
