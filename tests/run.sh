#!/usr/bin/env bash
# run.sh [CTEST ARGUMENT...]: installs what is missing, builds preset 'release' and runs every test, or those that the arguments
# select (-R regex, -L label). Tests that need an engine get a private one, or that of $HIVEMIND_TEST_DOCKER_HOST.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=tests/prepare.sh
source tests/prepare.sh

build_release
use_engine "$root/build/test-engine"

# Unit tests run side by side and first, after them those with real processes, one at a time on the engine (tests/CMakeLists.txt).
ctest --test-dir build/release --output-on-failure --no-tests=error -j "$(nproc)" "$@"
