# One word per task; whatever needs more than one line is a script in tools/.
.DEFAULT_GOAL := help
.PHONY: help fmt lint test short ci bench generate docker-image fuzz chaos chaos-all chaos-bugs chaos-soak evidence setup-newer test-versions bench-peers bench-compare

# make chaos takes these; FAULTS=list lists the faults
SEED ?= 0
FOR ?= 30s
TOPOLOGY ?= standalone
PERSISTENCE ?= always
CHAOS = go run ./integration/chaos

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s%s\n", $$1, $$2}' Makefile

fmt: ## format all Go files (gofumpt)
	go tool -modfile=tools/go.mod gofumpt -w .

lint: ## gofumpt, go vet, staticcheck, go mod tidy: nothing may be found
	tools/lint.sh

test: ## everything a change must pass; installs what is missing where it can
	tools/setup.sh
	tools/lint.sh
	tools/gotest.sh

short: ## the tests that need no Redis
	go test -short ./...

ci: ## what CI runs: a Docker engine, an image with this machine's Redis, then test
	.ci/run

bench: ## Go benchmarks of all packages
	go test -run '^$$' -bench . -benchmem ./...
bench-compare: ## this tree beside another revision, in turns, judged by benchstat: REF=main~1 SCENARIO=drain/64
	REF=$(REF) SCENARIO=$(SCENARIO) tools/bench-compare.sh
bench-peers: ## other task queues beside this one, half an hour: bench/results/DATE-peers.{json,md,svg}
	cd bench/peers && npm install --prefix bullmq --no-package-lock --no-audit --no-fund; go run . -out ../results

generate: ## rewrite generated files
	go generate ./...
docker-image: ## make tidemill-redis:local from the installed server, without a registry
	tools/redis-image.sh
fuzz: ## every fuzz target for FUZZTIME (10s)
	tools/fuzz.sh

chaos: ## processes under faults, judged: SEED=n FOR=30s FAULTS=a,b TOPOLOGY=sentinel PERSISTENCE=none
	$(CHAOS) run -seed=$(SEED) -for=$(FOR) -faults=$(FAULTS) -topology=$(TOPOLOGY) -persistence=$(PERSISTENCE)
chaos-all: ## every fault of the catalogue by itself
	$(CHAOS) all -quiet
chaos-bugs: ## bugs on purpose: each must be noticed
	$(CHAOS) bugs
chaos-soak: ## the mix in all topologies in turn, for FOR=1h
	$(CHAOS) soak -quiet -for=$(FOR)
evidence: ## write docs/EVIDENCE.md from the results of the runs
	$(CHAOS) evidence
setup-newer: ## get Redis 8 and Valkey 8 from Debian 13 (as root)
	tools/newer.sh
test-versions: ## the log's tests and a short mix on each of them
	tools/versions.sh
