#!/usr/bin/env bash
# Is this tree faster than another revision? Builds both, runs them in turns on this machine, and lets benchstat judge.
# usage: REF=revision [SCENARIO=enqueue,drain/64] [ROUNDS=6] tools/bench-compare.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/lib.sh

ref=${REF:-}
[ -n "$ref" ] || die "which revision? REF=main~1"
git rev-parse -q --verify "$ref^{commit}" >/dev/null || die "git knows no revision $ref"
has_redis || die "no redis-server and no valkey-server on PATH (tools/setup.sh installs one)"

dir=$(mktemp -d)
trap 'git worktree remove --force "$dir/tree" 2>/dev/null; rm -rf "$dir"' EXIT
git worktree add -q --detach "$dir/tree" "$ref"
go build -o "$dir/new" ./cmd/tidemill
(cd "$dir/tree" && go build -o "$dir/old" ./cmd/tidemill) || die "$ref does not build"

# lines: the JSON of a run as lines of a Go benchmark, which benchstat reads.
lines() {
	sed 's/},{/}\n{/g' | awk -F '"' '$14 == "tidemill" {
		name = $4 "/" $8; gsub(" ", "_", name); split($15, value, "[:,}]")
		print "BenchmarkScenario/" name, 1, value[2], $12
	}'
}

for round in $(seq "${ROUNDS:-6}"); do
	for side in old new; do
		say "round $round: $side" >&2
		"$dir/$side" bench --rounds 1 --scenario "${SCENARIO:-enqueue,drain/64}" --json 2>/dev/null | lines >>"$dir/$side.txt" ||
			die "$side: tidemill bench failed"
	done
done
tool benchstat "old=$dir/old.txt" "new=$dir/new.txt"
