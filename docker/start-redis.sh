#!/bin/sh
# Start Valkey or Redis, whichever the image contains, without the password on the command
# line. Nothing is stored on disk: lost messages are repeated, and the cache is filled again.
# If memory is short, only the cache is evicted, because only its keys expire.
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
