#!/usr/bin/env bash
# engine.sh start|stop DIR: a private Docker engine, apart from any other on this machine: its own data root, socket, bridge and
# address pool. Needs no systemd; root, or sudo. 'start' prints the DOCKER_HOST to use and is harmless when it runs already;
# 'stop' leaves nothing: containers, networks, images, volumes, processes, mounts, bridges and firewall rules all go.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/engine_api.sh
source "$here/engine_api.sh"
PATH=$PATH:/usr/sbin:/sbin

usage() { echo "usage: engine.sh start|stop DIR" >&2; exit 2; }
fail() { echo "engine: $*" >&2; exit 1; }

[[ $# -eq 2 && ($1 == start || $1 == stop) ]] || usage
verb=$1
directory=$(realpath -m "$2")
if [[ $(id -u) != 0 ]]; then
  command -v sudo >/dev/null || fail "starting an engine takes root (run this as root, or install sudo)"
  exec sudo "$here/engine.sh" "$verb" "$directory"
fi

# Unix socket paths end at 107 characters and containerd appends to ours, so what runs lives at a short path of its own.
tag=$(sha256sum <<<"$directory" | cut -c1-8)
running=/run/hivemind-engine-$tag
bridge=hm$tag
socket=$running/docker.sock
export DOCKER_HOST=unix://$socket

engine_pid() {
  local pid
  pid=$(cat "$running/docker.pid" 2>/dev/null) || return 1
  # A pid file outlives a power cut; the process must be the one that has our directory on its command line.
  { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF -- "--data-root $directory/data" && echo "$pid"
}

# --- start

check_programs() {
  local name
  for name in dockerd containerd runc ip; do
    command -v "$name" >/dev/null || fail "'$name' is not installed (run deploy/dependencies.sh engine)"
  done
}

# Minimal containers and machines without an init system come without the cgroup file systems.
mount_cgroups() {
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then return; fi
  local controller
  if ! mountpoint -q /sys/fs/cgroup; then
    if ! grep -q '[1-9]' <(awk '!/^#/ {print $2}' /proc/cgroups 2>/dev/null); then
      mount -t cgroup2 none /sys/fs/cgroup || fail "no cgroup file system is mounted, and none can be"
      return
    fi
    mount -t tmpfs -o mode=755 none /sys/fs/cgroup || fail "no cgroup file system is mounted, and none can be"
  fi
  awk '!/^#/ && $4 == 1 {print $1}' /proc/cgroups | while read -r controller; do
    # Some are mounted together under a joint name, such as cpu,cpuacct.
    if grep -qE "^cgroup [^ ]+ cgroup [^ ]*\b$controller\b" /proc/mounts; then continue; fi
    mkdir -p "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" none "/sys/fs/cgroup/$controller" 2>/dev/null ||
      rmdir "/sys/fs/cgroup/$controller" 2>/dev/null || true
  done
}

# free_block: the second number of a 10.N.0.0/16 that no address and no route of this machine touches.
free_block() {
  local taken number
  taken=$(ip -4 route show table all; ip -4 -o address)
  for number in $(shuf -i 200-254); do
    grep -qE "\b10\.$number\." <<<"$taken" || { echo "$number"; return; }
  done
  return 1
}

make_bridge() {
  local block=$1
  ip link show "$bridge" >/dev/null 2>&1 || ip link add "$bridge" type bridge
  ip -4 address flush dev "$bridge"
  ip address add "10.$block.255.1/24" dev "$bridge"
  ip link set "$bridge" up
}

# firewall_arguments: what dockerd needs here. It calls 'iptables' from its PATH: where only the legacy (or only the nft) variant
# works with this kernel, that one stands first in a PATH of its own. Where neither does, published ports go through the proxy.
firewall_arguments() {
  local variant
  mkdir -p "$running/bin"
  rm -f "$running"/bin/*
  for variant in iptables iptables-legacy iptables-nft; do
    "$variant" -t nat -L -n >/dev/null 2>&1 || continue
    if [[ $variant != iptables ]]; then
      ln -s "$(command -v "$variant")" "$running/bin/iptables"
      command -v "ip6${variant#ip}" >/dev/null && ln -s "$(command -v "ip6${variant#ip}")" "$running/bin/ip6tables"
    fi
    return 0
  done
  echo "engine: no firewall can be set up here: containers reach no network beyond this machine" >&2
  echo --iptables=false --ip-masq=false
}

start() {
  local block group=0 firewall deadline
  if engine_pid >/dev/null && engine_answers; then
    echo "$DOCKER_HOST"
    return
  fi
  check_programs
  [[ ! -e $running ]] || clear_remains
  mount_cgroups
  mkdir -p "$directory/data" "$running"
  chmod 755 "$running"
  block=$(free_block) || fail "no free network between 10.200.0.0/16 and 10.254.0.0/16"
  echo "$block" >"$running/block"
  make_bridge "$block"
  firewall=$(firewall_arguments)
  group=${SUDO_GID:-0}

  # shellcheck disable=SC2086
  PATH=$running/bin:$PATH setsid dockerd --data-root "$directory/data" --exec-root "$running/exec" \
    --pidfile "$running/docker.pid" --host "$DOCKER_HOST" --group "$group" --bridge "$bridge" \
    --default-address-pool "base=10.$block.0.0/16,size=26" $firewall \
    >"$directory/engine.log" 2>&1 </dev/null 9>&- &

  local pid=$!
  deadline=$((SECONDS + 60))
  until engine_answers; do
    if ! kill -0 "$pid" 2>/dev/null || ((SECONDS > deadline)); then
      tail -n 15 "$directory/engine.log" >&2
      fail "dockerd did not come up (its log: $directory/engine.log)"
    fi
    sleep 0.1
  done
  echo "$DOCKER_HOST"
}

# --- stop

remove_containers() {
  local id
  for id in $(engine_api GET '/containers/json?all=1' | jq -r '.[].Id'); do
    engine_api DELETE "/containers/$id?force=1&v=1" >/dev/null 2>&1 || true
  done
  # Takes the networks' bridges and firewall rules along.
  engine_api POST /networks/prune >/dev/null 2>&1 || true
}

# A process that nobody reaps (process 1 of a container may not) has ended all the same.
runs() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | grep -q '^[^ZX]'; }

await_end() {
  local pid=$1 deadline=$((SECONDS + $2))
  while runs "$pid"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# containerd, the shims and the containers outlive a dockerd that was killed. The former have one of our paths among their
# arguments, the latter the id of a container of ours in their cgroup.
kill_remaining_processes() {
  local file pid ids
  ids=$(ls "$directory/data/containers" 2>/dev/null || true)
  for file in /proc/[0-9]*/cmdline; do
    pid=${file//[!0-9]/}
    if [[ $pid == "$$" || $pid == "$BASHPID" ]]; then continue; fi
    if { tr '\0' ' ' <"$file" | grep -qE "^(\S*/)?(dockerd|containerd\S*|runc) .*($running|$directory/data)" ||
      { [[ -n $ids ]] && grep -qF "$ids" "/proc/$pid/cgroup"; }; } 2>/dev/null; then
      kill -KILL "$pid" 2>/dev/null || true
    fi
  done
}

# remove_firewall_rules PROGRAM PATTERN: all rules that mention it.
remove_firewall_rules() {
  local program=$1 pattern=$2 table rule
  command -v "$program" >/dev/null || return 0
  for table in filter nat; do
    "$program" -t "$table" -S 2>/dev/null | sed -n "/ $pattern/s/^-A/-D/p" | while read -r rule; do
      # shellcheck disable=SC2086
      "$program" -t "$table" $rule 2>/dev/null || true
    done
  done
}

# A network's bridge is named after its id; those of an engine that was killed are known from its own records only.
recorded_bridges() {
  grep -aoE 'br-[0-9a-f]{12}' "$directory/data/network/files/local-kv.db" 2>/dev/null | sort -u || true
}

remove_bridges() {
  local name program block
  block=$(cat "$running/block" 2>/dev/null || echo none)
  for name in "$bridge" $(recorded_bridges); do
    ip link show "$name" >/dev/null 2>&1 || continue
    for program in iptables iptables-legacy; do
      remove_firewall_rules "$program" "$name "
      remove_firewall_rules "$program" "10\.$block\."
    done
    ip link delete "$name"
  done
}

unmount_all() {
  local point
  awk -v a="$running/" -v b="$directory/data/" 'index($5 "/", a) == 1 || index($5 "/", b) == 1 {print $5}' \
    /proc/self/mountinfo | sort -r | while read -r point; do
    umount "$point" 2>/dev/null || umount -l "$point" || true
  done
}

clear_remains() {
  kill_remaining_processes
  unmount_all
  remove_bridges
  rm -rf "$running"
}

stop() {
  local pid
  if pid=$(engine_pid); then
    if engine_answers; then remove_containers; fi
    kill -TERM "$pid" 2>/dev/null || true
    await_end "$pid" 20 || kill -KILL "$pid" 2>/dev/null || true
  fi
  clear_remains
  rm -rf "$directory/data" "$directory/engine.log"
  rmdir "$directory" 2>/dev/null || true  # unless something of somebody else's is in it
}

"$verb"
