#!/bin/sh
# restore.sh TIME      restore the database to that time, such as "2026-11-23 15:04:05+00"
# restore.sh latest    restore all that the archive and the remaining files contain
#
# The service is down meanwhile. The current database is kept in a folder before-... Redis, web
# and redirects are created again: they cache links that may be missing in the restored database.
. "$(dirname "$0")/compose.sh"
[ $# -eq 1 ] || { sed -n '2,6s/^# //p' "$0"; exit 2; }

in_database() { compose run --rm --no-deps -T --entrypoint sh db /usr/local/bin/restore "$@"; }
in_database check "$1"

# The list only grows: after a failed restore, the running database may lack some.
umask 077
add_erasures || say "the current erasures cannot be read: using those of earlier backups"

trap 'say "not finished: docker/restore.sh latest restores the last archived change"' EXIT
compose stop web redirects worker webhooks beat metrics db redis
in_database to "$1"
began="$(date +%s)"
compose up -d --no-deps db

is_recovered() {
  [ "$(compose exec -T db psql -h /tmp -U postgres -Atc 'SELECT pg_is_in_recovery()')" = f ]
}
ended_before() {
  docker logs --since "$began" "$(compose ps -q db)" 2>&1 |
    grep -q "recovery ended before configured recovery target"
}
wait_for "${RESTORE_SECONDS:-3600}" eval 'is_recovered || ended_before'
if ! is_recovered >/dev/null 2>&1; then
  say "the archive ends before $1: restoring all of it"
  compose stop db
  in_database further
  compose up -d --no-deps db
  wait_for "${RESTORE_SECONDS:-3600}" is_recovered
fi
compose rm -f -s redis redirects web
compose run --rm --no-deps -T web manage repeat_erasures <backups/erasures
compose up -d
trap - EXIT
say "restored to $1; now make a base backup: docker/backup.sh"
