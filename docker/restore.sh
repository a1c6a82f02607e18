#!/bin/sh
# restore.sh TIME      the database as it was then, such as "2026-11-23 15:04:05+00"
# restore.sh latest    as far as the archive and what is left of the database reach
#
# The database that is there is kept beside (before-...). Redis and the redirects begin anew,
# since they remember links that the restored database may not know.
. "$(dirname "$0")/compose.sh"
[ $# -eq 1 ] || { sed -n '2,6s/^# //p' "$0"; exit 2; }

compose stop web redirects worker webhooks beat metrics db redis
compose run --rm --no-deps -T --entrypoint sh db /usr/local/bin/restore "$1"
compose up -d --no-deps db
recovered() {
  [ "$(compose exec -T db psql -h /tmp -U postgres -Atc 'SELECT pg_is_in_recovery()')" = f ]
}
wait_for "${RESTORE_SECONDS:-3600}" recovered
compose exec -T db psql -h /tmp -U postgres -q -v ON_ERROR_STOP=1 shortlinks </dev/null \
  -f /usr/local/bin/after-restore.sql
compose rm -f -s redis redirects web
compose up -d
say "restored: $1"
