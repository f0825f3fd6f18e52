#!/usr/bin/env bash
# go test, with the race detector wherever it runs. Arguments go to go test; none means ./...
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/lib.sh

flags=(-timeout 10m -p 1) # one package at a time: integration measures, and must not be starved by the others
if has_cc; then
	flags+=(-race)
elif [ "${CI:-}" = true ]; then
	die "no C compiler, so no -race: CI does not accept that"
else
	say "no C compiler: these tests run without -race"
fi
[ $# -gt 0 ] || set -- ./...
exec go test "${flags[@]}" "$@"
