#!/usr/bin/env bash
# dependencies.sh [SET...]: installs the Debian packages that are missing for
#   build   what the sources compile with (also makes the sample image)
#   run     what the programs and the scripts need at run time
#   engine  a Docker engine of our own, where none runs
#   test    what the tests use on top of all the others
#   fuzz    what the preset 'fuzz' compiles with on top of 'build'
#   cross-amd64, cross-arm64, cross-armhf   what cross/build.sh needs for that architecture
# and nothing where all of them are there. Debian 12 and 13, Ubuntu 24.04, Raspberry Pi OS. No service is started.
set -euo pipefail

# a|b: the first that this release knows. A '?' at the end: left out where the release has none.
packages_of() {
  case $1 in
    build) echo ca-certificates ccache cmake g++ git ninja-build pkg-config \
      'libboost1.81-dev|libboost-dev' libcli11-dev libcurl4-openssl-dev libfmt-dev libgit2-dev libpaho-mqtt-dev libpaho-mqttpp-dev \
      libprotobuf-dev protobuf-compiler libsodium-dev libspdlog-dev libsqlite3-dev libsqlitecpp-dev libssl-dev \
      libyaml-cpp-dev nlohmann-json3-dev ;;
    run) echo ca-certificates curl git gpgv jq 'libcurl4t64|libcurl4' mosquitto openssh-client tzdata ;;
    engine) echo docker.io iproute2 iptables ;;
    test) echo "$(packages_of build) $(packages_of run) $(packages_of engine)" \
      busybox-static catch2 e2fsprogs 'libfaketime?' 'clang-format-16?' 'docker-compose?' 'docker-registry?' mosquitto-clients \
      gnupg openssh-server openssl python3 qemu-user-static ;;
    fuzz) echo "$(packages_of build)" 'clang-16|clang' 'libclang-rt-16-dev|libclang-rt-dev' ;;
    cross-amd64) echo "$(cross_tools) $(native amd64 || echo g++-x86-64-linux-gnu)" ;;
    cross-arm64) echo "$(cross_tools) $(native arm64 || echo g++-aarch64-linux-gnu)" ;;
    cross-armhf) echo "$(cross_tools) $(native armhf || echo g++-arm-linux-gnueabihf)" ;;
    *) echo "dependencies: unknown set '$1' (build, run, engine, test, fuzz, cross-ARCH)" >&2; return 2 ;;
  esac
}

cross_tools() { echo ca-certificates ccache cmake debian-archive-keyring dpkg-dev gcc git libc6-dev make ninja-build perl pkg-config protobuf-compiler tcl; }
native() { [[ $(dpkg --print-architecture) == "$1" ]] && echo g++; }

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
available() { [[ -n $(apt-cache show --no-all-versions "$1" 2>/dev/null) ]]; }

# choose SPEC: the package of a specification that this release has, or nothing for an optional one.
choose() {
  local spec=${1%\?} name
  for name in ${spec//|/ }; do
    if installed "$name" || available "$name"; then echo "$name"; return; fi
  done
  [[ $1 == *\? ]] || echo "${spec##*|}"
}

missing() {
  local spec name
  for spec in $1; do
    name=$(choose "$spec")
    [[ -z $name ]] || installed "$name" || echo "$name"
  done | sort -u
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

# Packages such as mosquitto start a service when they are installed; what we run, we start ourselves. The one way that holds
# with and without systemd is a policy that says no for as long as the installation takes.
policy=/usr/sbin/policy-rc.d
forbid_services() {
  [[ -e $policy ]] && return
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
  trap 'as_root rm -f "$policy"' EXIT
}

keep_services_off() {
  local name
  [[ -d /run/systemd/system ]] || return 0
  for name in "$@"; do
    case $name in
      mosquitto | docker-registry) as_root systemctl disable --quiet "$name.service" || true ;;
      docker.io) as_root systemctl disable --quiet docker.service docker.socket containerd.service || true ;;
      openssh-server) as_root systemctl disable --quiet ssh.service || true ;;
    esac
  done
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get -y -o Dpkg::Use-Pty=0 \
    -o DPkg::Lock::Timeout=300 "$@"
}

install_packages() {
  local log total=$#
  log=$(mktemp)
  echo "dependencies: installing $total packages: $*"
  forbid_services
  if ! apt install --no-install-recommends "$@" 2>&1 | tee "$log" |
    awk '/^The following NEW packages|newly installed/ && /newly/ {n = $3} /^Setting up/ {printf "  [%d%s] %s\n", ++i, n ? "/" n : "", $3; fflush()}'; then
    tail -n 20 "$log" >&2
    echo "dependencies: apt-get could not install them (the whole log: $log)" >&2
    return 1
  fi
  rm -f "$log"
  keep_services_off "$@"
}

main() {
  local specs="" set names log
  [[ $# -gt 0 ]] || set -- build run
  for set in "$@"; do specs+=" $(packages_of "$set")"; done

  command -v apt-get >/dev/null || {
    echo "dependencies: this is no Debian-like system; install by hand:$specs" >&2
    return 1
  }
  names=$(missing "$specs")
  [[ -n $names ]] || return 0
  if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
    echo "dependencies: missing: ${names//$'\n'/ } (run this as root)" >&2
    return 1
  fi

  echo "dependencies: reading package lists"
  log=$(mktemp)
  # An old list is still of use when only one of several sources does not answer.
  apt update >"$log" 2>&1 || { tail -n 5 "$log"; echo "dependencies: apt-get update failed, going on with what is known"; } >&2
  rm -f "$log"
  # shellcheck disable=SC2046
  install_packages $(missing "$specs")
}

main "$@"
