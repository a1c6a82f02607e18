#!/bin/sh
# restore.sh TIME      the database as it was then, such as "2026-11-23 15:04:05+00"
# restore.sh latest    as far as the archive and what is left of the database reach
#
# Nothing is answered meanwhile. The database that is there is kept beside (before-...). Redis
# and the doors start empty, since they remember links that the restored database may not know.
. "$(dirname "$0")/compose.sh"
[ $# -eq 1 ] || { sed -n '2,6s/^# //p' "$0"; exit 2; }

in_database() { compose run --rm --no-deps -T --entrypoint sh db /usr/local/bin/restore "$@"; }
in_database check "$1"

trap 'say "not finished: docker/restore.sh latest goes to the last change that was kept"' EXIT
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
  say "nothing was changed between the end of the archive and $1"
  compose stop db
  in_database further
  compose up -d --no-deps db
  wait_for "${RESTORE_SECONDS:-3600}" is_recovered
fi
compose exec -T db psql -h /tmp -U postgres -q -v ON_ERROR_STOP=1 shortlinks </dev/null \
  -f /usr/local/bin/after-restore.sql
compose rm -f -s redis redirects web
compose up -d
trap - EXIT
say "restored: $1. Now make a base backup: docker/backup.sh"
