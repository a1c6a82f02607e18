#!/bin/sh
# upgrade.sh           build this checkout, and replace the running release by it
# upgrade.sh IMAGE     replace it by an existing image; shortlinks:previous is the release
#                      before the last upgrade
# upgrade.sh --same    restart all processes with the current image
#
# No redirect fails: new processes start beside the old ones, which then finish their requests.
# The database is migrated first, so the old release must work with the new schema.
. "$(dirname "$0")/compose.sh"

image="${SHORTLINKS_IMAGE:-$(sed -n 's/^SHORTLINKS_IMAGE=//p' .env 2>/dev/null || true)}"
image="${image:-shortlinks}"
case "$image" in
  *:*) previous="$image-previous" ;;
  *) previous="$image:previous" ;;
esac

roll() {
  old="$(compose ps -q "$1")"
  count="$(echo "$old" | wc -w)"
  compose up -d --no-deps --no-recreate --scale "$1=$((count * 2))" "$1"
  # shellcheck disable=SC2046  one word for each container
  wait_for 180 healthy $(compose ps -q "$1")
  for container in $old; do
    docker stop --time 30 "$container" >/dev/null
    docker rm "$container" >/dev/null
  done
  say "$1: replaced $count of $count"
}

count() { compose ps -q "$1" | wc -w; }

case "${1:-}" in
  --same) ;;
  "")
    compose build
    # The running image, not that of an upgrade that failed.
    running="$(docker inspect -f '{{.Image}}' "$(compose ps -q web | head -n 1)" || true)"
    if [ -n "$running" ] && [ "$running" != "$(docker image inspect -f '{{.Id}}' "$image")" ]; then
      docker tag "$running" "$previous"
    fi
    ;;
  *)
    docker image inspect "$1" >/dev/null
    docker tag "$1" "$image.next"
    docker tag "$image" "$previous"
    docker tag "$image.next" "$image"
    docker image rm "$image.next" >/dev/null
    ;;
esac
compose run --rm --no-deps -T migrate
roll redirects
roll web
# Replace workers, beat and other changed services; keep the number of processes.
compose up -d --scale "redirects=$(count redirects)" --scale "web=$(count web)" \
  --scale "worker=$(count worker)" --scale "webhooks=$(count webhooks)"
say "done; to go back: docker/upgrade.sh $previous"
