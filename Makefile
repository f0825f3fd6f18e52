# One word per task; whatever needs more than one line is a script in tools/.
.DEFAULT_GOAL := help
.PHONY: help fmt lint test race short ci bench generate docker-image fuzz

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

race: ## all tests with the race detector, nothing else
	tools/gotest.sh

short: ## the tests that need no Redis
	go test -short ./...

ci: ## what CI runs: a Docker engine, an image with this machine's Redis, then test
	.ci/run

bench: ## Go benchmarks of all packages
	go test -run '^$$' -bench . -benchmem ./...

generate: ## rewrite generated files
	go generate ./...

docker-image: ## make tidemill-redis:local from the installed server, without a registry
	tools/redis-image.sh

fuzz: ## every fuzz target for FUZZTIME (10s)
	tools/fuzz.sh
