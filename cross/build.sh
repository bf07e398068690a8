#!/usr/bin/env bash
# build.sh [--check] ARCH...: builds one static, stripped hivemind-agent for amd64, arm64 or armhf from a Debian 12 machine, as
# build/cross/ARCH/hivemind-agent. Installs the compilers that are missing (deploy/dependencies.sh cross-ARCH); what the agent is
# linked with is fetched from Debian into build/cross/ARCH and changes nothing on this machine.
#   --check  builds a copy of the sources once more, in another directory and without a compiler cache, and compares the bytes
#   HIVEMIND_CROSS_DIR  where to build (default: build/cross)
#   HIVEMIND_COMMIT     what the version says (default: as Git describes the sources)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
# shellcheck source=cross/architectures.sh
source "$here/architectures.sh"
export LC_ALL=C SOURCE_DATE_EPOCH=1

# One stamp for what the fetched and built libraries depend on.
recipe() { cat "$here"/{packages.txt,sources.txt,sysroot.sh,libraries.sh,architectures.sh} | sha256sum; }

libraries() {
  local directory=$2
  if [[ -e $directory/complete && $(cat "$directory/complete") == "$(recipe)" ]]; then
    [[ ! -e $directory/warnings ]] || sed 's/^/cross: WARNING: /' "$directory/warnings" >&2
    return
  fi
  "$here/sysroot.sh" "$1" "$directory"
  "$here/libraries.sh" "$1" "$directory"
  recipe >"$directory/complete"
}

commit() {
  echo "${HIVEMIND_COMMIT:-$(git -C "$root" describe --always --abbrev=12 --dirty --exclude='*' 2>/dev/null || echo unknown)}"
}

agent() {
  local arch=$1 directory=$2
  echo "cross: building the agent for $arch"
  cmake -S "$root" -B "$directory/agent" -G Ninja --log-level=WARNING \
    -DCMAKE_TOOLCHAIN_FILE="$here/$arch.cmake" -DHIVEMIND_CROSS="$directory" -DCMAKE_BUILD_TYPE=MinSizeRel \
    -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON -DHIVEMIND_HUB=OFF -DHIVEMIND_TESTS=OFF -DHIVEMIND_COMMIT="$(commit)" >/dev/null
  cmake --build "$directory/agent" --target hivemind-agent -j "$(nproc)" >"$directory/agent.log" 2>&1 || {
    grep -E -A5 'error|FAILED|undefined' "$directory/agent.log" | head -n 30 >&2
    echo "cross: the agent does not compile (the whole log: $directory/agent.log)" >&2
    return 1
  }
  "$(compiler_prefix_of "$arch")strip" -s -R .comment -R .note.ABI-tag -o "$directory/hivemind-agent" "$directory/agent/bin/hivemind-agent"
}

build() {
  local arch=$1 directory
  triplet_of "$arch" >/dev/null
  "$root/deploy/dependencies.sh" "cross-$arch"
  mkdir -p "${HIVEMIND_CROSS_DIR:-$root/build/cross}/$arch"
  directory=$(cd "${HIVEMIND_CROSS_DIR:-$root/build/cross}/$arch" && pwd)
  libraries "$arch" "$directory"
  agent "$arch" "$directory"
  echo "$directory/hivemind-agent: $(stat -c %s "$directory/hivemind-agent") bytes, sha256 $(sha256sum <"$directory/hivemind-agent" | cut -d' ' -f1)"
}

# The same sources somewhere else, and everything anew: libraries, agent, no cache.
check() {
  local arch=$1 copy first second
  copy=$(mktemp -d "${TMPDIR:-/tmp}/hivemind-cross-check.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$copy'" EXIT
  (cd "$root" && git ls-files -z -co --exclude-standard | xargs -0 ls -d 2>/dev/null | tar -c -T - ) | tar -x -C "$copy"
  first=${HIVEMIND_CROSS_DIR:-$root/build/cross}/$arch
  HIVEMIND_COMMIT=$(commit) HIVEMIND_CROSS_DIR=$copy/elsewhere CCACHE_DISABLE=1 "$copy/cross/build.sh" "$arch"
  second=$copy/elsewhere/$arch
  if ! cmp "$first/hivemind-agent" "$second/hivemind-agent"; then
    diff "$first/packages.txt" "$second/packages.txt" >&2 || true
    echo "cross: two builds for $arch differ" >&2
    return 1
  fi
  echo "cross: two builds for $arch are the same, byte by byte"
  rm -rf "$copy"
}

main() {
  local checked="" arch
  if [[ ${1:-} == --check ]]; then checked=1; shift; fi
  if [[ $# == 0 ]]; then sed -n '2,7s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; fi
  for arch in "$@"; do
    build "$arch"
    [[ -z $checked ]] || check "$arch"
  done
}

main "$@"
