#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: root on Debian or Ubuntu needs nothing else,
# elsewhere it names the command that does it. Says nothing when there is nothing to do.
# usage: tools/setup.sh [docker]     docker: a Docker engine and its client as well
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/lib.sh

apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

# apt_install PACKAGE...: fetches the package lists only when those at hand do not do.
apt_install() {
	local log
	log=$(mktemp)
	say "installing $*"
	if ! apt_get install --no-install-recommends "$@" >"$log" 2>&1; then
		apt_get update >>"$log" 2>&1 || true
		if ! apt_get install --no-install-recommends "$@" >>"$log" 2>&1; then
			tail -n 20 "$log" >&2
			rm -f "$log"
			die "apt-get could not install $*"
		fi
	fi
	rm -f "$log"
}

# no_services: a package brings its program, not a running service (the tests start their own).
no_services() {
	local policy=/usr/sbin/policy-rc.d
	[ -e "$policy" ] && return
	trap "rm -f $policy" EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
}

has go || die "Go is missing: https://go.dev/dl"
missing=()
has_redis || missing+=(redis-server)
has_cc || missing+=(gcc libc6-dev)
has make || missing+=(make)
if has apt-get && [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then
	missing+=(ca-certificates) # for the Go module proxy
fi
if [ "${1:-}" = docker ] && ! docker_answers; then
	has dockerd || missing+=(docker.io)
	has dockerd && ! has docker && missing+=(docker-cli)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

if has apt-get && [ "$(id -u)" = 0 ]; then
	no_services
	apt_install "${missing[@]}"
	if [ "${1:-}" = docker ] && ! has docker; then
		apt_install docker-cli # Debian 13 took the client out of docker.io
	fi
	exit 0
fi

if has apt-get; then
	say "missing here: sudo apt-get install -y ${missing[*]}"
elif has brew; then
	say "missing here: brew install redis"
else
	say "missing here, install them with the package manager of this system: ${missing[*]}"
fi
has_redis || [ -n "${TIDEMILL_TEST_REDIS:-}" ] || die "no redis-server and no valkey-server on PATH"
