#!/bin/sh
# archive-wal PATH NAME: copy a segment to the archive and sync it. Safe to repeat.
set -eu
kept="/archive/wal/$2"
if [ -e "$kept" ]; then
  exec cmp -s "$1" "$kept"
fi
cp "$1" "/archive/wal/.$2.new"
sync "/archive/wal/.$2.new"
mv "/archive/wal/.$2.new" "$kept"
sync /archive/wal
