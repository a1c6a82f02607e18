#!/bin/sh
# upgrade.sh           builds what is checked out here, and changes over to it
# upgrade.sh IMAGE     changes over to an image that is there, such as shortlinks:previous
#
# No redirect fails: new processes come up beside the old ones, which then finish what they
# have. The schema goes first, so it is one that the old release can work with.
. "$(dirname "$0")/compose.sh"

roll() {
  old="$(compose ps -q "$1")"
  count="$(echo "$old" | wc -w)"
  compose up -d --no-deps --no-recreate --scale "$1=$((count * 2))" "$1"
  # shellcheck disable=SC2046  a word for each container
  wait_for 120 healthy $(compose ps -q "$1")
  for container in $old; do
    docker stop --time 30 "$container" >/dev/null
    docker rm "$container" >/dev/null
  done
  compose up -d --no-deps --no-recreate --scale "$1=$count" "$1"
  say "$1: $count of $count are new"
}

if [ $# -gt 0 ]; then
  export SHORTLINKS_IMAGE="$1"
  docker image inspect "$1" >/dev/null
else
  if docker image inspect "${SHORTLINKS_IMAGE:-shortlinks}" >/dev/null 2>&1; then
    docker tag "${SHORTLINKS_IMAGE:-shortlinks}" shortlinks:previous
  fi
  compose build
fi
compose run --rm --no-deps -T migrate
roll redirects
roll web
# Workers, beat and what else has changed; `up` counts again what was scaled.
compose up -d --scale "redirects=$(compose ps -q redirects | wc -w)" \
  --scale "web=$(compose ps -q web | wc -w)" \
  --scale "worker=$(compose ps -q worker | wc -w)"
say "done; to go back: docker/upgrade.sh shortlinks:previous"
if [ $# -gt 0 ]; then
  say "set SHORTLINKS_IMAGE=$1 in .env, or the next 'up' goes forward again"
fi
