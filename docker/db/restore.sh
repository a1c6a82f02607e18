#!/bin/sh
# restore check TIME|latest   check whether that is possible, without any change
# restore to TIME|latest      unpack a base backup, from which Postgres recovers with the archive
# restore further             recover to the end of the archive, if it ends before the time
#
# Runs in the container of db while Postgres is stopped.
set -eu
PGDATA="${PGDATA:-/var/lib/postgresql/18/docker}"

fail() { echo "[restore] $*" >&2; exit 1; }
seconds() { date -u -d "$1" +%s 2>/dev/null; }

# Find the newest base backup before the given time.
find_base() {
  base=""
  for backup in $(ls -d /archive/base/[0-9]* 2>/dev/null | sort); do
    at="$(basename "$backup" | sed 's/\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z/\1-\2-\3 \4:\5:\6+00/')"
    if [ "$1" = latest ] || [ "$(seconds "$at")" -lt "$(seconds "$1")" ]; then
      base="$backup"
    fi
  done
  [ -n "$base" ] || fail "no base backup is older than $1; existing ones: $(ls /archive/base | xargs)"
  tar -tzf "$base/base.tar.gz" PG_VERSION >/dev/null || fail "$base cannot be read"
}

# Each restore starts a new timeline. Find the one that was current at the given time.
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
  [ "$1" = latest ] || [ -n "$(seconds "$1" || true)" ] || fail "not a time such as 2026-11-23 15:04:05+00: $1"
  [ "$1" = latest ] || [ "$(seconds "$1")" -le "$(date +%s)" ] || fail "$1 is in the future"
  find_base "$1"
}

# Keep segments that were not archived yet, so that no committed change is lost.
save_unarchived() {
  [ -d "$PGDATA/pg_wal" ] || return 0
  for ready in "$PGDATA"/pg_wal/archive_status/*.ready; do
    [ -e "$ready" ] || continue
    segment="$(basename "$ready" .ready)"
    [ -e "/archive/wal/$segment" ] || cp "$PGDATA/pg_wal/$segment" "/archive/wal/$segment"
  done
  rm -rf /archive/unarchived
  cp -r "$PGDATA/pg_wal" /archive/unarchived
}

to() {
  check "$1"
  find_timeline "$1"
  save_unarchived
  rm -rf "$PGDATA.restoring"
  mkdir -p "$PGDATA.restoring"
  chmod 700 "$PGDATA.restoring"
  tar -C "$PGDATA.restoring" -xzf "$base/base.tar.gz"
  {
    echo "restore_command = 'test -f /archive/wal/%f && cp /archive/wal/%f %p || cp /archive/unarchived/%f %p'"
    echo "recovery_target_action = 'promote'"
    echo "recovery_target_timeline = '$timeline'"
    [ "$1" = latest ] || echo "recovery_target_time = '$1'"
  } >"$PGDATA.restoring/postgresql.auto.conf"
  touch "$PGDATA.restoring/recovery.signal"
  kept="$PGDATA.before-$(date -u +%Y%m%dT%H%M%SZ)"
  [ ! -e "$PGDATA" ] || mv "$PGDATA" "$kept"
  mv "$PGDATA.restoring" "$PGDATA"
  echo "[restore] from $(basename "$base"), timeline $timeline, to $1; the old database is in $kept"
}

further() { sed -i '/^recovery_target_time = /d' "$PGDATA/postgresql.auto.conf"; }

case "$1" in
  check) check "$2" ;;
  to) to "$2" ;;
  further) further ;;
esac
