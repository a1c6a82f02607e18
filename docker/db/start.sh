#!/bin/sh
# Start Postgres without root. The first start creates the database with two users: its owner,
# who migrates it, and one for all other processes, who may change rows only. For the official
# image, and any other with Postgres' programs on its PATH.
set -eu
PGDATA="${PGDATA:-/var/lib/postgresql/18/docker}"
RUN=/tmp

create_database() {
  # Remains of an interrupted start or restore.
  rm -rf "$PGDATA.new" "$PGDATA.restoring"
  [ ! -d "$PGDATA" ] || rmdir "$PGDATA"
  mkdir -p "$PGDATA.new"
  chmod 700 "$PGDATA.new"
  initdb -D "$PGDATA.new" --username=postgres --auth-local=peer --auth-host=scram-sha-256 \
    --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 >/dev/null
  # Without password on the socket, which only this container can use.
  printf 'local all all trust\nlocal replication all trust\nhost shortlinks shortlinks,shortlinks_app all scram-sha-256\n' >"$PGDATA.new/pg_hba.conf"
  pg_ctl -D "$PGDATA.new" -w -o "-c listen_addresses='' -k $RUN" start >/dev/null
  psql -h "$RUN" -U postgres -q -v ON_ERROR_STOP=1 -v password="$(cat "$PASSWORD_FILE")" \
    -v app_password="$(cat "$APP_PASSWORD_FILE")" <<'SQL'
CREATE ROLE shortlinks LOGIN PASSWORD :'password';
CREATE ROLE shortlinks_app LOGIN PASSWORD :'app_password';
CREATE DATABASE shortlinks OWNER shortlinks;
\connect shortlinks
\include /usr/local/share/app-user.sql
SQL
  pg_ctl -D "$PGDATA.new" -w stop >/dev/null
  mkdir -p "$(dirname "$PGDATA")"
  mv "$PGDATA.new" "$PGDATA"
  echo "[db] created a new database in $PGDATA"
}

[ -s "$PGDATA/PG_VERSION" ] || create_database
# A segment is archived when it is full, or WAL_ARCHIVE_TIMEOUT_SECONDS old.
exec postgres -D "$PGDATA" \
  -c listen_addresses='*' -c unix_socket_directories="$RUN" \
  -c shared_buffers="${SHARED_BUFFERS:-512MB}" -c max_connections="${MAX_CONNECTIONS:-300}" \
  -c log_min_error_statement=panic -c log_error_verbosity=terse -c log_statement=none \
  -c log_parameter_max_length=0 -c log_parameter_max_length_on_error=0 \
  -c wal_level=replica -c archive_mode=on -c archive_timeout="${WAL_ARCHIVE_TIMEOUT_SECONDS:-60}" \
  -c archive_command='sh /usr/local/bin/archive-wal %p %f' \
  "$@"
