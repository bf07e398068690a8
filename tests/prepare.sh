# prepare.sh, sourced by run.sh and bench/run.sh: builds preset 'release' and finds an engine to test with.

# build_release [TARGET...]: installs what is missing and builds the targets, or everything.
build_release() {
  ./deploy/dependencies.sh build run engine test
  cmake --preset release -DHIVEMIND_TESTS=ON
  cmake --build build/release -j "$(nproc)" ${1:+--target "$@"}
}

# use_engine DIR: a private engine that ends with the script, or that of $HIVEMIND_TEST_DOCKER_HOST, with the test images. What a
# run that was killed may have left goes first: every run begins with an empty engine.
use_engine() {
  engine=$1
  if [[ -n ${HIVEMIND_TEST_DOCKER_HOST:-} ]]; then
    export DOCKER_HOST=$HIVEMIND_TEST_DOCKER_HOST
  else
    ./deploy/engine.sh stop "$engine"
    trap './deploy/engine.sh stop "$engine"' EXIT
    DOCKER_HOST=$(./deploy/engine.sh start "$engine")
    export DOCKER_HOST
  fi
  ./deploy/sample/app/image.sh hivemind-test:1 hivemind-test:2
  export HIVEMIND_TEST_IMAGE=hivemind-test:1 HIVEMIND_TEST_IMAGE_2=hivemind-test:2
  PATH=$PATH:/usr/sbin:/sbin
}
