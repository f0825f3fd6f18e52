#!/usr/bin/env bash
# The modules of their own: vet and tests of contrib/* and bench/peers.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/lib.sh

for module in contrib/*/ bench/peers/; do
	echo "module $module"
	(cd "$module" && go mod tidy -diff && go vet ./... && go test -race ./...) || die "$module"
done
