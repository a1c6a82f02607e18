#!/bin/sh
# Start Valkey or Redis, whichever the image contains, without the password on the command
# line. Nothing is stored on disk: lost messages are repeated, and the cache is filled again.
# The only user may not configure the server or empty it (devserver/stores.py: REDIS_RIGHTS).
# If memory is short, only the cache is evicted, because only its keys expire.
set -eu
server="$(command -v valkey-server || command -v redis-server)"
exec "$server" - <<CONF
user default reset on >$(cat "$PASSWORD_FILE") ~* &* +@all -@admin -@dangerous +info
save ""
appendonly no
maxmemory ${MAXMEMORY:-256mb}
maxmemory-policy volatile-lru
tcp-keepalive 60
CONF
