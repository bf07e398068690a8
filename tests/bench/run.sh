#!/usr/bin/env bash
# run.sh [quick] [PART...]: builds, starts a private engine (or uses that of $HIVEMIND_TEST_DOCKER_HOST), measures, prints a table and
# writes build/bench.json. Run it on a machine that does nothing else; all ratios are of one run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
# shellcheck source=tests/prepare.sh
source tests/prepare.sh

build_release bench
use_engine "$root/build/bench-engine"
build/release/bin/bench build/bench.json "$@"
