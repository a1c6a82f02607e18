#!/bin/sh
# back-up NAME KEPT: in the database's container.
set -eu
cd /archive/base
pg_basebackup -h /tmp -U postgres -D ".$1" -Ft -z -X fetch --checkpoint=fast
sync ".$1"/*
mv ".$1" "$1"
# What only older backups would need goes, and what a broken one left behind.
rm -rf .[0-9]*
ls -d [0-9]* | sort -r | tail -n "+$(($2 + 1))" | while read -r old; do rm -rf "$old"; done
oldest="$(ls -d [0-9]* | sort | head -n 1)"
first="$(tar -xzOf "$oldest/base.tar.gz" backup_label | sed -n 's/^START WAL LOCATION.*file \([0-9A-F]*\).*/\1/p')"
pg_archivecleanup /archive/wal "$first"
