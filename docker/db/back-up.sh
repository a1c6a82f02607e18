#!/bin/sh
# back-up NAME COUNT: make a base backup and keep COUNT of them. Runs in the container of db.
set -eu
cd /archive/base
pg_basebackup -h /tmp -U postgres -D ".$1" -Ft -z -X fetch --checkpoint=fast
sync ".$1"/*
mv ".$1" "$1"
# Delete older backups, remains of failed ones, and segments that only they need.
rm -rf .[0-9]*
ls -d [0-9]* | sort -r | tail -n "+$(($2 + 1))" | while read -r old; do rm -rf "$old"; done
oldest="$(ls -d [0-9]* | sort | head -n 1)"
first="$(tar -xzOf "$oldest/base.tar.gz" backup_label | sed -n 's/^START WAL LOCATION.*file \([0-9A-F]*\).*/\1/p')"
pg_archivecleanup /archive/wal "$first"
