#!/bin/sh
# rotate-key.sh TOKEN_KEYS|PIXEL_KEYS|WEBHOOK_KEYS    a new key; what older ones signed stays good
# rotate-key.sh drop RING                            the oldest key of a ring is known no more
# rotate-key.sh SECRET_KEY                           a new one; sessions stay
# rotate-key.sh POSTGRES_PASSWORD|VALKEY_PASSWORD    a new password, in the store, too
#
# Every process starts anew, twice for a ring, and no redirect fails.
. "$(dirname "$0")/compose.sh"
[ $# -ge 1 ] || { sed -n '2,7s/^# //p' "$0"; exit 2; }

keys() { compose run --rm --no-deps -T keys keys "$@"; }
begin_anew() {
  docker/upgrade.sh --same >/dev/null
  # What `up` found unchanged has the keys of before.
  compose restart worker webhooks beat metrics
}

case "$1" in
  TOKEN_KEYS | PIXEL_KEYS | WEBHOOK_KEYS)
    keys add "$1"; begin_anew
    keys use "$1"; begin_anew ;;
  drop)
    keys drop "$2"; begin_anew ;;
  SECRET_KEY)
    keys renew SECRET_KEY; begin_anew ;;
  POSTGRES_PASSWORD)
    keys renew POSTGRES_PASSWORD
    compose exec -T db sh -c 'psql -h /tmp -U postgres -q -v ON_ERROR_STOP=1 \
      -v password="$(cat "$PASSWORD_FILE")"' <<SQL
ALTER ROLE shortlinks PASSWORD :'password';
SQL
    begin_anew ;;
  VALKEY_PASSWORD)
    before="$(compose exec -T redis cat /run/password/VALKEY_PASSWORD)"
    keys renew VALKEY_PASSWORD
    compose exec -T -e "REDISCLI_AUTH=$before" redis sh -c \
      'redis-cli config set requirepass "$(cat "$PASSWORD_FILE")" >/dev/null'
    begin_anew ;;
  *) sed -n '2,7s/^# //p' "$0"; exit 2 ;;
esac
say "$1: done"
