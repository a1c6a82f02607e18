#!/bin/sh
# restore TIME|latest: in the database's container, while Postgres is stopped.
set -eu
PGDATA="${PGDATA:-/var/lib/postgresql/18/docker}"
stamp="$(date -u +%Y%m%dT%H%M%SZ)"

# Segments that were not archived yet: with them nothing that was acknowledged is lost.
if [ -d "$PGDATA/pg_wal" ]; then
  for ready in "$PGDATA"/pg_wal/archive_status/*.ready; do
    [ -e "$ready" ] || continue
    segment="$(basename "$ready" .ready)"
    [ -e "/archive/wal/$segment" ] || cp "$PGDATA/pg_wal/$segment" "/archive/wal/$segment"
  done
  mkdir -p "/archive/left-$stamp"
  cp -r "$PGDATA/pg_wal/." "/archive/left-$stamp/"
fi

base=""
for backup in $(ls -d /archive/base/[0-9]* | sort); do
  name="$(basename "$backup")"
  at="$(echo "$name" | sed 's/\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z/\1-\2-\3 \4:\5:\6+00/')"
  if [ "$1" = latest ] || [ "$(date -u -d "$at" +%s)" -lt "$(date -u -d "$1" +%s)" ]; then
    base="$backup"
  fi
done
[ -n "$base" ] || { echo "[restore] no base backup is older than $1" >&2; exit 1; }

[ ! -e "$PGDATA" ] || mv "$PGDATA" "$PGDATA.before-$stamp"
mkdir -p "$PGDATA"
chmod 700 "$PGDATA"
tar -C "$PGDATA" -xzf "$base/base.tar.gz"
{
  echo "restore_command = 'cp /archive/wal/%f %p 2>/dev/null || cp /archive/left-$stamp/%f %p'"
  echo "recovery_target_action = 'promote'"
  [ "$1" = latest ] || echo "recovery_target_time = '$1'"
} >"$PGDATA/postgresql.auto.conf"
touch "$PGDATA/recovery.signal"
echo "[restore] from $(basename "$base"), to $1; what was there is in $PGDATA.before-$stamp"
