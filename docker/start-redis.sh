#!/bin/sh
# Valkey or Redis, whichever the image has, with the password kept off the command line.
# The broker's messages are doorbells and the cache can be read anew, so nothing is kept
# on disk; what may go when memory is short is the cache alone, which has times to live.
set -eu
server="$(command -v valkey-server || command -v redis-server)"
exec "$server" - <<CONF
requirepass $(cat "$PASSWORD_FILE")
save ""
appendonly no
maxmemory ${MAXMEMORY:-256mb}
maxmemory-policy volatile-lru
tcp-keepalive 60
CONF
