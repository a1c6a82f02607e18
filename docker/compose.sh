# Sourced by the other scripts: finds Compose v2 or v1, and enters the project's folder.
set -eu
cd "$(dirname "$0")/.."

if docker compose version >/dev/null 2>&1; then
  compose() { docker compose "$@"; }
else
  compose() { docker-compose "$@"; }
fi

say() { echo "[$(basename "$0" .sh)] $*"; }

# add_erasures: add those of the running database to backups/erasures, or fail if it is down. With
# this list, a restore erases again whoever was erased after its time.
add_erasures() {
  mkdir -p backups
  touch backups/erasures
  compose exec -T web python -m deploy.container manage list_erasures >backups/erasures.now &&
    sort -u backups/erasures backups/erasures.now >backups/erasures.new &&
    mv backups/erasures.new backups/erasures &&
    rm backups/erasures.now
}

# wait_for SECONDS COMMAND...: wait until it succeeds, or fail after that time.
wait_for() {
  left="$1"; shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || { say "timed out waiting for: $*"; return 1; }
    sleep 1
  done
}

healthy() {
  for container in "$@"; do
    [ "$(docker inspect -f '{{.State.Health.Status}}' "$container")" = healthy ] || return 1
  done
}
