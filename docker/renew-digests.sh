#!/bin/sh
# Replace the digests in docker-compose.pinned.yml by those that the tags have now. To move to
# another version, edit its tag first. Needs buildx and a registry.
set -eu
file="$(dirname "$0")/../docker-compose.pinned.yml"
new="$file.new"
cp "$file" "$new"
trap 'rm -f "$new" "$new.tmp"' EXIT
for pinned in $(grep -o '[a-z0-9./-]*:[^ ]*@sha256:[0-9a-f]*' "$file" | sort -u); do
  tag="${pinned%@*}"
  digest="$(docker buildx imagetools inspect "$tag" --format '{{.Manifest.Digest}}')"
  case "$digest" in
    sha256:*) ;;
    *) echo "$tag: no digest in the answer: $digest" >&2; exit 1 ;;
  esac
  sed "s|$pinned|$tag@$digest|" "$new" > "$new.tmp"
  mv "$new.tmp" "$new"
  [ "$pinned" = "$tag@$digest" ] || echo "$tag: $digest"
done
mv "$new" "$file"
