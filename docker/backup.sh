#!/bin/sh
# backup.sh            write a base backup to the archive, and the keys to backups/
# Between base backups, every change reaches the archive within WAL_ARCHIVE_TIMEOUT_SECONDS.
# Keeps BACKUPS (7) base backups and the changes since. Copy archive and backups/ elsewhere.
. "$(dirname "$0")/compose.sh"
umask 077

name="$(date -u +%Y%m%dT%H%M%SZ)"
compose exec -T db sh /usr/local/bin/back-up "$name" "${BACKUPS:-7}"
mkdir -p backups
compose run --rm --no-deps -T --entrypoint tar keys -C /var/lib/shortlinks/keys -c . >backups/keys.tar.new
mv backups/keys.tar.new backups/keys.tar
add_erasures
say "base backup $name in the archive; keys in backups/keys.tar"
