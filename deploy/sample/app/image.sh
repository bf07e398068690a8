#!/usr/bin/env bash
# image.sh TAG...: builds the sample program and imports it into the engine ($DOCKER_HOST) as an image under each tag. No
# registry, no base image: the root file system is the one static binary, and the directories that it writes to. A tag that
# stands for this very source already is left alone, so that running containers keep their image.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/engine_api.sh
source "$here/../../engine_api.sh"
[[ $# -gt 0 ]] || { echo "usage: image.sh TAG..." >&2; exit 2; }

source_digest=$(cat "$here/app.cpp" "${BASH_SOURCE[0]}" | sha256sum | cut -c1-64)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

build_root() {
  [[ -e $root/app ]] && return
  "${CXX:-g++}" -std=c++20 -static -Os -s -Wall -Wextra -o "$root/app" "$here/app.cpp"
  mkdir -p "$root/data" "$root/etc/app" "$root/tmp"
  chmod 755 "$root" && chmod 1777 "$root/tmp" "$root/data"
}

for tag in "$@"; do
  present=$(engine_api GET "/images/$tag/json" 2>/dev/null | jq -r '.Config.Labels["com.hivemind.sample"] // ""' || true)
  [[ $present != "$source_digest" ]] || continue
  build_root
  changes=$(for change in 'ENTRYPOINT ["/app"]' 'CMD ["serve"]' 'EXPOSE 8080' "LABEL com.hivemind.sample=$source_digest"; do
    printf '&changes=%s' "$(jq -rn --arg text "$change" '$text | @uri')"
  done)
  answer=$(tar -C "$root" --numeric-owner --owner=0 --group=0 -c . |
    engine_api POST "/images/create?fromSrc=-&repo=${tag%:*}&tag=${tag##*:}$changes" \
      -H 'Content-Type: application/x-tar' -H 'Expect:' -T -)
  # An import that fails says so inside the 200 answer.
  if grep -q '"error"' <<<"$answer"; then
    echo "image '$tag' not imported: $answer" >&2
    exit 1
  fi
done
