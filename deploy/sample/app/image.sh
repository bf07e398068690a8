#!/usr/bin/env bash
# image.sh TAG...: builds the sample program and imports it into the engine ($DOCKER_HOST) as an image under each tag. No
# registry, no base image: the root file system is the one static binary, and the directories that it writes to.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -gt 0 ]] || { echo "usage: image.sh TAG..." >&2; exit 2; }

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/data" "$root/etc/app" "$root/tmp"
"${CXX:-g++}" -std=c++20 -static -Os -s -Wall -Wextra -o "$root/app" "$here/app.cpp"

for tag in "$@"; do
  tar -C "$root" -c . | docker import --change 'ENTRYPOINT ["/app"]' --change 'CMD ["serve"]' \
    --change 'EXPOSE 8080' - "$tag" >/dev/null
done
