#!/usr/bin/env bash
# Makes the image tidemill-redis:local out of the redis-server (or valkey-server) of this machine, without a registry:
# the binary, the shared libraries it loads, a password file and a work directory, nothing else.
# Makes it anew only when the server or this script changed. TIDEMILL_TEST_IMAGE names another tag.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/lib.sh

image=${TIDEMILL_TEST_IMAGE:-tidemill-redis:local}
has_redis || die "no redis-server and no valkey-server on PATH (tools/setup.sh installs one)"
docker_answers || die "no Docker engine answers"
server=$(command -v redis-server || command -v valkey-server)

# ldd prints "name => /path (address)" and, for the loader, "/path (address)"; linux-vdso has no file.
libs=$(ldd "$server" | awk '$2 == "=>" && $3 ~ /^\// {print $3} $1 ~ /^\// {print $1}')
[ -n "$libs" ] || die "ldd names no library of $server"

# shellcheck disable=SC2086  # no path of a system library holds a space
source=$(sha256sum tools/redis-image.sh "$server" $libs | sha256sum | cut -c1-16)
made=$(docker image inspect -f '{{index .Config.Labels "tidemill.source"}}' "$image" 2>/dev/null || true)
if [ "$made" = "$source" ]; then
	say "$image is up to date"
	exit 0
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{data,etc,tmp}
chmod 755 "$root"
chmod 1777 "$root"/{data,tmp}
install -D "$server" "$root/usr/bin/redis-server"
for lib in $libs; do
	install -D "$lib" "$root$lib" # under the path the loader looks it up
done
echo 'root:x:0:0:root:/:/usr/sbin/nologin' >"$root/etc/passwd"

tar -C "$root" --owner=0 --group=0 -c . | docker import \
	--change 'CMD ["redis-server","--bind","0.0.0.0","--protected-mode","no","--save",""]' \
	--change 'EXPOSE 6379' \
	--change 'WORKDIR /data' \
	--change "LABEL tidemill.source=$source" \
	- "$image" >/dev/null
say "made $image from $server"
