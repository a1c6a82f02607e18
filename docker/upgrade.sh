#!/bin/sh
# upgrade.sh           builds what is checked out here, and changes over to it
# upgrade.sh IMAGE     changes over to an image that is there: shortlinks:previous is the one
#                      of before the last upgrade
# upgrade.sh --same    starts all processes anew, with the image that is there
#
# No redirect fails: new processes come up beside the old ones, which then finish what they
# have. The schema goes first, so it is one that the old release can work with.
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
  # shellcheck disable=SC2046  a word for each container
  wait_for 180 healthy $(compose ps -q "$1")
  for container in $old; do
    docker stop --time 30 "$container" >/dev/null
    docker rm "$container" >/dev/null
  done
  say "$1: $count of $count are new"
}

count() { compose ps -q "$1" | wc -w; }

case "${1:-}" in
  --same) ;;
  "")
    compose build
    # Of what runs, and not of an upgrade that failed before.
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
# Workers, beat and what else has changed; what was scaled stays so.
compose up -d --scale "redirects=$(count redirects)" --scale "web=$(count web)" \
  --scale "worker=$(count worker)" --scale "webhooks=$(count webhooks)"
say "done; to go back: docker/upgrade.sh $previous"
