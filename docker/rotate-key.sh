#!/bin/sh
# rotate-key.sh TOKEN_KEYS|PIXEL_KEYS|WEBHOOK_KEYS    sign with a new key; keep accepting old ones
# rotate-key.sh drop RING                            stop accepting the oldest key of a ring
# rotate-key.sh SECRET_KEY                           replace it; sessions stay valid
# rotate-key.sh POSTGRES_APP_PASSWORD|POSTGRES_PASSWORD|VALKEY_PASSWORD
#                                                    replace a password, also in its store
#
# Restarts every process, twice for a ring, without a failed redirect.
. "$(dirname "$0")/compose.sh"
[ $# -ge 1 ] || { sed -n '2,8s/^# //p' "$0"; exit 2; }

keys() { compose run --rm --no-deps -T keys keys "$@"; }
restart_all() {
  docker/upgrade.sh --same >/dev/null
  # `up` does not restart unchanged containers, which still have the old keys.
  compose restart worker webhooks beat metrics
}

# change_postgres_password NAME USER VARIABLE: the variable of db has the password's file.
change_postgres_password() {
  keys renew "$1"
  compose exec -T db sh -c "psql -h /tmp -U postgres -q -v ON_ERROR_STOP=1 \
    -v password=\"\$(cat \"\$$3\")\"" <<SQL
ALTER ROLE $2 PASSWORD :'password';
SQL
}

case "$1" in
  TOKEN_KEYS | PIXEL_KEYS | WEBHOOK_KEYS)
    keys add "$1"; restart_all
    keys use "$1"; restart_all ;;
  drop)
    keys drop "$2"; restart_all ;;
  SECRET_KEY)
    keys renew SECRET_KEY; restart_all ;;
  POSTGRES_APP_PASSWORD)
    change_postgres_password "$1" shortlinks_app APP_PASSWORD_FILE
    restart_all ;;
  POSTGRES_PASSWORD)
    change_postgres_password "$1" shortlinks PASSWORD_FILE ;;
  VALKEY_PASSWORD)
    before="$(compose exec -T redis cat /run/password/VALKEY_PASSWORD)"
    keys renew VALKEY_PASSWORD
    compose exec -T -e "REDISCLI_AUTH=$before" redis sh -c \
      'redis-cli config set requirepass "$(cat "$PASSWORD_FILE")" >/dev/null'
    restart_all ;;
  *) sed -n '2,8s/^# //p' "$0"; exit 2 ;;
esac
say "$1: done"
