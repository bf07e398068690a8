#!/usr/bin/env bash
# footprint.sh [quick] [ARCH...]: builds the static agent for amd64 and the architectures that are named (default: all three), starts a
# private engine (or uses that of $HIVEMIND_TEST_DOCKER_HOST), measures what the agent costs a node, prints a table with the aims, and
# writes build/footprint.json. Run it on a machine that does nothing else.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=tests/prepare.sh
source tests/prepare.sh

quick=""
if [[ ${1:-} == quick ]]; then quick=quick; shift; fi
[[ $# -gt 0 ]] || set -- arm64 armhf
./cross/build.sh amd64 $(printf "%s\n" "$@" | grep -vx amd64)
build_release footprint
use_engine "$root/build/bench-engine"
build/release/bin/footprint build/footprint.json build/cross $quick
