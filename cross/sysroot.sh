#!/usr/bin/env bash
# sysroot.sh ARCH DIR: fetches the Debian 12 packages of packages.txt for ARCH (amd64, arm64, armhf) and unpacks them into
# DIR/sysroot, and the sources of sources.txt into DIR/sources. Asks apt-get with a configuration, package lists and a cache of its
# own below DIR: neither the machine's packages nor its list of architectures change, and root is not needed.
#   HIVEMIND_DEBIAN_MIRROR           where Debian 12 is (default: as this machine's apt has it)
#   HIVEMIND_DEBIAN_SECURITY_MIRROR  and its security updates (likewise)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
arch=$1
directory=$(mkdir -p "$2" && cd "$2" && pwd)
known() { apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | sed -n "s/^$1 //p" | head -n 1; }
mirror=${HIVEMIND_DEBIAN_MIRROR:-$(known bookworm)}
security=${HIVEMIND_DEBIAN_SECURITY_MIRROR:-$(known bookworm-security)}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
apt=$directory/apt

names_in() { sed -e 's/#.*//' -e '/^\s*$/d' "$here/$1"; }

# 77 tells that nothing is known to be wrong with the sources: tests are skipped then.
fail() { echo "cross: $*" >&2; exit 77; }
[[ -n $mirror && -n $security ]] ||
  fail "apt on this machine has no Debian 12 (give HIVEMIND_DEBIAN_MIRROR and HIVEMIND_DEBIAN_SECURITY_MIRROR)"

# Said again by every build that uses what was fetched.
warn() {
  echo "cross: WARNING: $*" >&2
  echo "$*" >>"$directory/warnings"
}

configure() {
  [[ -e $keyring ]] || fail "'$keyring' is missing (install debian-archive-keyring)"
  mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,empty}
  : >"$apt/state/status"
  local suite
  for suite in "$mirror bookworm" "$mirror bookworm-updates" "$security bookworm-security"; do
    echo "deb [signed-by=$keyring] $suite main"
    echo "deb-src [signed-by=$keyring] $suite main"
  done >"$apt/sources.list"
}

ask_apt() { with_own_apt apt-get -q "$@"; }
ask_apt_cache() { with_own_apt apt-cache "$@"; }

with_own_apt() {
  local program=$1
  shift
  "$program" -o Dir::State="$apt/state" -o Dir::State::status="$apt/state/status" -o Dir::Cache="$apt/cache" \
    -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/empty" \
    -o Dir::Etc::Preferences="$apt/empty/none" -o Dir::Etc::PreferencesParts="$apt/empty" \
    -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User=root \
    -o Acquire::Retries=3 -o Acquire::Languages=none -o APT::Get::List-Cleanup=0 "$@"
}

quietly() {
  "$@" >"$directory/apt.log" 2>&1 || { tail -n 20 "$directory/apt.log" >&2; fail "'$*' failed (the whole log: $directory/apt.log)"; }
}

# A mirror may be in between two states of one architecture. The packages of the release and its updates do for a build then; the
# sources, which hold the libraries that face the network, still come from the security updates.
read_lists() {
  if ask_apt update >"$directory/apt.log" 2>&1; then return; fi
  grep -q "^E: Failed to fetch $security/.*/binary-$arch/" "$directory/apt.log" || { tail -n 20 "$directory/apt.log" >&2; fail "the package lists cannot be read"; }
  warn "the mirror's list of security updates for $arch is damaged: packages are taken without them (do not ship this build)"
  sed -i "\\|^deb .*$security |d" "$apt/sources.list"
  quietly ask_apt update
}

# The newest version that the mirror has: some mirrors are late with sources.
fetch_source() {
  local version newest=""
  for version in $(ask_apt_cache showsrc "$1" | sed -n 's/^Version: //p' | sort -rVu); do
    newest=${newest:-$version}
    if (cd "$directory/sources" && ask_apt source --download-only "$1=$version" >"$directory/apt.log" 2>&1); then
      [[ $version == "$newest" ]] || warn "the mirror lacks the source of $1 $newest; older: $version"
      return
    fi
    rm -f "$directory/sources/$1"_*
  done
  tail -n 20 "$directory/apt.log" >&2
  fail "the source of '$1' cannot be fetched"
}

# What was fetched, one line each: kind, name, version, SHA-256.
told() {
  local file
  for file in "$directory"/debs/*.deb; do
    echo "$arch $(dpkg-deb -f "$file" Package) $(dpkg-deb -f "$file" Version) $(sha256sum <"$file" | cut -d' ' -f1)"
  done
  for file in "$directory"/sources/*.dsc; do
    echo "source $(sed -n 's/^Source: //p' "$file" | head -1) $(sed -n 's/^Version: //p' "$file" | head -1)" \
      "$(sha256sum <"$file" | cut -d' ' -f1)"
  done
}

compare_with_lock() {
  local missing
  missing=$(grep -vxFf "$here/packages.lock" "$directory/packages.txt" || true)
  [[ -z $missing ]] && return
  echo "cross: Debian has other packages than the list in cross/packages.lock; the binary will have other bytes:" >&2
  awk '{print "  " $1, $2, $3}' <<<"$missing" >&2
}

main() {
  local name deb
  rm -rf "$directory"/{sysroot,debs,sources,complete,warnings}
  mkdir -p "$directory"/{sysroot,debs,sources}
  configure
  echo "cross: reading the package lists of Debian 12 for $arch"
  read_lists
  echo "cross: fetching packages and sources"
  # shellcheck disable=SC2046
  (cd "$directory/debs" && quietly ask_apt download $(names_in packages.txt))
  for name in $(names_in sources.txt); do fetch_source "$name"; done
  for deb in "$directory"/debs/*.deb; do dpkg -x "$deb" "$directory/sysroot"; done
  for name in $(names_in sources.txt); do
    (cd "$directory/sources" && quietly dpkg-source --no-check -x "$name"_*.dsc "$name")
  done
  # The agent is static: a shared library that is found is found by mistake.
  find "$directory/sysroot" \( -name '*.so' -o -name '*.so.*' \) -delete
  told | LC_ALL=C sort >"$directory/packages.txt"
  compare_with_lock
  rm -rf "$directory/debs" "$apt"
}

main
