#!/usr/bin/env bash
# Puts newer servers than the system's beside it, to test with: Redis and Valkey of Debian trixie, in a root of their own.
# TIDEMILL_NEWER names the root (/var/cache/tidemill/trixie). Beside it appears bin/ with a wrapper for each server, named
# after its version: redis-8.0, valkey-8.1. They run without chroot, as any program does; PATH and the system stay as they are.
# The packages come from the mirror that apt uses here. Says nothing when there is nothing to do.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/lib.sh

suite=trixie
packages=valkey-server,redis-server
root=${TIDEMILL_NEWER:-/var/cache/tidemill/$suite}
bin=$(dirname "$root")/bin

# mirror: where apt gets Debian's main component, without the security archive.
mirror() {
	apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk '$1 == "Debian" && $2 == "main" && $3 !~ /security/ {print $3; exit}'
}

# fetch: the root with the packages, as a whole or not at all.
fetch() {
	local from log
	[ "$(id -u)" = 0 ] || die "needs root to fill $root: sudo tools/newer.sh (or TIDEMILL_NEWER names a root that is filled)"
	has apt-get || die "needs debootstrap and an apt that knows a mirror of Debian; this is no such system"
	log=$(mktemp)
	if ! has debootstrap; then
		say "installing debootstrap"
		DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120 install --no-install-recommends debootstrap \
			</dev/null >"$log" 2>&1 || { tail -n 5 "$log" >&2; die "apt-get could not install debootstrap (apt-get update?)"; }
	fi
	from=$(mirror)
	[ -n "$from" ] || die "apt knows no mirror of Debian here (apt-get update?)"
	say "fetching $packages of $suite into $root"
	rm -rf "$root.new" # what an interrupted run left
	mkdir -p "$(dirname "$root")"
	debootstrap --variant=minbase --include="$packages" "$suite" "$root.new" "$from" </dev/null >"$log" 2>&1 ||
		{ tail -n 5 "$log" >&2; die "debootstrap failed, the whole log is $log"; }
	rm -f "$log"
	mv "$root.new" "$root"
}

# wrap PROGRAM: a wrapper in bin, named after the version. The root's own loader and libraries run the program.
wrap() {
	local loader libs run version name
	loader=$(find "$root"/usr/lib* -maxdepth 1 -name 'ld-linux*' | head -n 1)
	libs=$(dirname "$(find "$root/usr/lib" -name libc.so.6 | head -n 1)")
	[ -n "$loader" ] && [ -x "$root/usr/bin/$1" ] || die "$root has no $1: remove it and run this again"
	run="exec '$loader' --library-path '$libs' '$root/usr/bin/$1' \"\$@\""
	version=$(sh -c "$run" sh --version | sed -n 's/.* v=\([0-9]*\.[0-9]*\).*/\1/p')
	[ -n "$version" ] || die "$root/usr/bin/$1 does not run here"
	name=$bin/${1%-server}-$version
	[ -x "$name" ] && [ "$(tail -n 1 "$name")" = "$run" ] && return
	mkdir -p "$bin"
	printf '#!/bin/sh\n%s\n' "$run" >"$name"
	chmod +x "$name"
	say "made $name"
}

[ -d "$root" ] || fetch
wrap redis-server
wrap valkey-server
