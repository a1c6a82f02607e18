# For the scripts beside it: compose of either generation, in the project's folder.
set -eu
cd "$(dirname "$0")/.."

if docker compose version >/dev/null 2>&1; then
  compose() { docker compose "$@"; }
else
  compose() { docker-compose "$@"; }
fi

say() { echo "[$(basename "$0" .sh)] $*"; }

# wait_for SECONDS COMMAND...: until it succeeds; fails when the time is over.
wait_for() {
  left="$1"; shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || { say "gave up waiting: $*"; return 1; }
    sleep 1
  done
}

healthy() {
  for container in "$@"; do
    [ "$(docker inspect -f '{{.State.Health.Status}}' "$container")" = healthy ] || return 1
  done
}
