#!/bin/sh
# restore check TIME|latest   whether that can be done; changes nothing
# restore to TIME|latest      puts a base backup in place, to be recovered from the archive
# restore further             as far as the archive reaches, when it ends before the time
#
# In the database's container, while Postgres is stopped.
set -eu
PGDATA="${PGDATA:-/var/lib/postgresql/18/docker}"

fail() { echo "[restore] $*" >&2; exit 1; }
seconds() { date -u -d "$1" +%s 2>/dev/null; }

# The newest base backup of before the moment.
find_base() {
  base=""
  for backup in $(ls -d /archive/base/[0-9]* 2>/dev/null | sort); do
    at="$(basename "$backup" | sed 's/\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z/\1-\2-\3 \4:\5:\6+00/')"
    if [ "$1" = latest ] || [ "$(seconds "$at")" -lt "$(seconds "$1")" ]; then
      base="$backup"
    fi
  done
  [ -n "$base" ] || fail "no base backup is older than $1; there are: $(ls /archive/base | xargs)"
  tar -tzf "$base/base.tar.gz" PG_VERSION >/dev/null || fail "$base cannot be read"
}

# Each restore begins a new timeline; what was committed then is on the one of then.
find_timeline() {
  timeline=latest
  [ "$1" = latest ] && return
  timeline=1
  for history in $(ls /archive/wal/*.history 2>/dev/null | sort); do
    if [ "$(stat -c %Y "$history")" -le "$(seconds "$1")" ]; then
      timeline="$(printf '%d' "0x$(basename "$history" .history)")"
    fi
  done
}

check() {
  [ "$1" = latest ] || [ -n "$(seconds "$1" || true)" ] || fail "no moment such as 2026-11-23 15:04:05+00: $1"
  [ "$1" = latest ] || [ "$(seconds "$1")" -le "$(date +%s)" ] || fail "$1 is yet to come"
  find_base "$1"
}

# Segments that were not archived yet: with them nothing that was acknowledged is lost.
save_what_is_left() {
  [ -d "$PGDATA/pg_wal" ] || return 0
  for ready in "$PGDATA"/pg_wal/archive_status/*.ready; do
    [ -e "$ready" ] || continue
    segment="$(basename "$ready" .ready)"
    [ -e "/archive/wal/$segment" ] || cp "$PGDATA/pg_wal/$segment" "/archive/wal/$segment"
  done
  rm -rf /archive/left
  cp -r "$PGDATA/pg_wal" /archive/left
}

to() {
  check "$1"
  find_timeline "$1"
  save_what_is_left
  rm -rf "$PGDATA.restoring"
  mkdir -p "$PGDATA.restoring"
  chmod 700 "$PGDATA.restoring"
  tar -C "$PGDATA.restoring" -xzf "$base/base.tar.gz"
  {
    echo "restore_command = 'test -f /archive/wal/%f && cp /archive/wal/%f %p || cp /archive/left/%f %p'"
    echo "recovery_target_action = 'promote'"
    echo "recovery_target_timeline = '$timeline'"
    [ "$1" = latest ] || echo "recovery_target_time = '$1'"
  } >"$PGDATA.restoring/postgresql.auto.conf"
  touch "$PGDATA.restoring/recovery.signal"
  kept="$PGDATA.before-$(date -u +%Y%m%dT%H%M%SZ)"
  [ ! -e "$PGDATA" ] || mv "$PGDATA" "$kept"
  mv "$PGDATA.restoring" "$PGDATA"
  echo "[restore] from $(basename "$base"), timeline $timeline, to $1; what was there is in $kept"
}

further() { sed -i '/^recovery_target_time = /d' "$PGDATA/postgresql.auto.conf"; }

case "$1" in
  check) check "$2" ;;
  to) to "$2" ;;
  further) further ;;
esac
