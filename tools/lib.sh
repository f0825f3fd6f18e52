# What the scripts of this folder share. Source it: . tools/lib.sh

say() { echo "${0##*/}: $*"; }

die() {
	say "$@" >&2
	exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

has_redis() { has redis-server || has valkey-server; }

# has_cc: can cgo compile? The race detector needs that everywhere but on macOS.
has_cc() {
	[ "$(uname -s)" = Darwin ] && return
	[ "$(go env CGO_ENABLED)" = 1 ] &&
		printf '#include <stdlib.h>\n' | $(go env CC) -x c -fsyntax-only - >/dev/null 2>&1
}

docker_answers() { has docker && timeout 10 docker version >/dev/null 2>&1 </dev/null; }

# tool NAME ARGS: a development tool at the version tools/go.mod pins.
tool() { go tool -modfile=tools/go.mod "$@"; }
