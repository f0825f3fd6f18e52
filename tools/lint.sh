#!/usr/bin/env bash
# Format, vet, staticcheck and a tidy go.mod: whatever can be said without running a test.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/lib.sh

unformatted=$(tool gofumpt -l .)
if [ -n "$unformatted" ]; then
	echo "$unformatted"
	die "gofumpt would change these files (make fmt)"
fi
go vet ./...
tool staticcheck ./...
go mod tidy -diff || die "go.mod or go.sum is not tidy (go mod tidy)"
