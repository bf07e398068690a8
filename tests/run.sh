#!/usr/bin/env bash
# run.sh [CTEST ARGUMENT...]: installs what is missing, builds preset 'release' and runs every test, or those that the arguments
# select (-R regex, -L label). Tests that need an engine get a private one, or that of $HIVEMIND_TEST_DOCKER_HOST.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

./deploy/dependencies.sh build run engine test
cmake --preset release -DHIVEMIND_TESTS=ON
cmake --build build/release -j "$(nproc)"

engine=$root/build/test-engine
if [[ -n ${HIVEMIND_TEST_DOCKER_HOST:-} ]]; then
  export DOCKER_HOST=$HIVEMIND_TEST_DOCKER_HOST
else
  # What a run that was killed may have left goes first: every run begins with an empty engine.
  ./deploy/engine.sh stop "$engine"
  trap './deploy/engine.sh stop "$engine"' EXIT
  DOCKER_HOST=$(./deploy/engine.sh start "$engine")
  export DOCKER_HOST
fi
./deploy/sample/app/image.sh hivemind-test:1 hivemind-test:2
export HIVEMIND_TEST_IMAGE=hivemind-test:1 HIVEMIND_TEST_IMAGE_2=hivemind-test:2

# Unit tests run side by side and first, those with real processes after them, one at a time (tests/CMakeLists.txt).
PATH=$PATH:/usr/sbin:/sbin ctest --test-dir build/release --output-on-failure --no-tests=error -j "$(nproc)" "$@"
