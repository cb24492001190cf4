# Every command works on a fresh machine with Node, npm and make; what else a suite needs it fetches itself.

.PHONY: demo demo-cluster demo-platform test test-unit test-e2e test-examples test-examples-kubernetes e2e-kubernetes chaos bench bench-cluster bench-operator build image check format generate simulate clean

demo: node_modules/.installed
	@npm run --silent demo

# Three brokers on a real etcd and a real S3 server, which it fetches.
demo-cluster: node_modules/.installed
	@npm run --silent demo-cluster

# A Kubernetes of one node on this machine, as root, with KafScale on it. KUBECONFIG=FILE on the command line: one that is
# there. IMAGES=FILE,FILE: archives of images of yours, for the node.
demo-platform: node_modules/.installed
	@DEMO_IMAGES="$(IMAGES)" DEMO_KUBECONFIG="$(if $(findstring command,$(origin KUBECONFIG)),$(KUBECONFIG))" npm run --silent demo-platform

test: node_modules/.installed
	@npm run --silent test

test-unit: node_modules/.installed
	@npm run --silent test -- unit

test-e2e: node_modules/.installed
	@npm run --silent test -- e2e

# The programs of examples/ against a broker, which are a part of test-e2e too. Maven builds them the first time.
test-examples: node_modules/.installed
	@npm run --silent test-examples

# E20 in a real Kubernetes of one node, as root.
test-examples-kubernetes: node_modules/.installed
	@npm run --silent test-examples-kubernetes

# Operator and chart on a real API server and on a real node, which are a part of test-e2e too.
e2e-kubernetes: node_modules/.installed
	@npm run --silent e2e-kubernetes

# SEEDS=N histories from seed FROM on; a failing seed is printed and replays with SEEDS=1 FROM=seed.
simulate: node_modules/.installed
	@npm run --silent simulate -- $(or $(SEEDS),20000) $(or $(FROM),1)

# Every kind of fault, again and again for MINUTES, on a cluster of real parts with real clients; then a report.
chaos: node_modules/.installed
	@npm run --silent chaos -- $(or $(MINUTES),30) $(or $(SEED),1)

bench: node_modules/.installed
	@npm run --silent bench -- $(WHAT)

# Figures of a cluster on real etcd and a real S3 server; WHAT="latency kill" for some of them.
bench-cluster: node_modules/.installed
	@npm run --silent bench-cluster -- $(WHAT)

# What the operator costs: 100 clusters and 2,000 topics on the fake API server.
bench-operator: node_modules/.installed
	@npm run --silent bench-operator

build: node_modules/.installed
	@rm -rf dist && npm run --silent build

# The image of broker and operator, as an archive for `docker load` or `ctr images import`.
image: node_modules/.installed
	@npm run --silent image -- $(IMAGE_FILE) $(IMAGE_TAG)

check: node_modules/.installed
	@npm run --silent check && npm run --silent lint

format: node_modules/.installed
	@npm run --silent format

generate: node_modules/.installed
	@npm run --silent generate

clean:
	rm -rf node_modules dist

node_modules/.installed: package.json package-lock.json
	@npm ci --no-fund --no-audit --loglevel=error
	@touch $@
