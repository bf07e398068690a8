#!/usr/bin/env bash
# run.sh [quick]: builds, starts a private engine (or uses that of $HIVEMIND_TEST_DOCKER_HOST), measures, prints a table and
# writes build/bench.json. Run it on a machine that does nothing else; all ratios are of one run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

./deploy/dependencies.sh build run engine test
cmake --preset release -DHIVEMIND_TESTS=ON
cmake --build build/release -j "$(nproc)" --target bench

engine=$root/build/bench-engine
if [[ -n ${HIVEMIND_TEST_DOCKER_HOST:-} ]]; then
  export DOCKER_HOST=$HIVEMIND_TEST_DOCKER_HOST
else
  ./deploy/engine.sh stop "$engine"
  trap './deploy/engine.sh stop "$engine"' EXIT
  DOCKER_HOST=$(./deploy/engine.sh start "$engine")
  export DOCKER_HOST
fi
./deploy/sample/app/image.sh hivemind-test:1
export HIVEMIND_TEST_IMAGE=hivemind-test:1
PATH=$PATH:/usr/sbin:/sbin build/release/bin/bench build/bench.json "$@"
