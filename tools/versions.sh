#!/usr/bin/env bash
# Runs tests against each server that tools/newer.sh has put beside the system's. Arguments go to go test; none means
# ./streams/... and a short mix of faults.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/lib.sh

bin=$(dirname "${TIDEMILL_NEWER:-/var/cache/tidemill/trixie}")/bin
servers=("$bin"/*-[0-9]*)
[ -x "${servers[0]}" ] || die "no servers in $bin: tools/newer.sh puts them there"
mix=
[ $# -gt 0 ] || { mix=yes && set -- ./streams/...; }

first=$(mktemp -d) # first in PATH, with nothing but the server
trap 'rm -rf "$first"' EXIT
failed=()
for server in "${servers[@]}"; do
	say "$("$server" --version)"
	ln -sf "$server" "$first/redis-server"
	env -u TIDEMILL_TEST_REDIS PATH="$first:$PATH" tools/gotest.sh -count=1 "$@" || failed+=("${server##*/}")
	[ -z "$mix" ] || PATH="$first:$PATH" go run ./integration/chaos run -seed 1 -for 20s || failed+=("${server##*/} under faults")
done
[ ${#failed[@]} -eq 0 ] || die "failed on ${failed[*]}"
