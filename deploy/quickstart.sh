#!/usr/bin/env bash
# quickstart.sh [--check|--stop]: HiveMind on this one machine, from nothing: packages, build, an engine, hub, agent and the
# sample fleet. Run it again at any time: what runs goes on, what died is started again.
#   --check   does the same apart from a quickstart that may be running, proves it against the engine, and tears down
#   --stop    tears down: processes, containers, networks, volumes, files
# State lives below build/quickstart (or $HIVEMIND_QUICKSTART_DIR). $DOCKER_HOST names the engine; without it the one that runs
# on this machine is used, and where none does, a private one is started.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
bin=$root/build/release/bin
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=deploy/engine_api.sh
source "$here/engine_api.sh"
# shellcheck source=deploy/quickstart_parts.sh
source "$here/quickstart_parts.sh"
# shellcheck source=deploy/quickstart_check.sh
source "$here/quickstart_check.sh"

usage() { sed -n '2,8s/^# \?//p' "${BASH_SOURCE[0]}"; }

start() {
  mkdir -p "$state"
  say "packages"
  "$here/dependencies.sh" build run
  build
  choose_settings
  say "engine"
  start_engine
  say "image of the sample's program"
  "$here/sample/app/image.sh" hivemind-sample:1
  make_fleet
  say "hub and agent"
  start_hub
  enrol_agent
  start_agent
  say "waiting until node '$node' runs what Git says"
  await_convergence 180
}

tell() {
  cat <<TEXT

What runs
$(hivemind status 2>&1 | sed 's/^/  /')
$(engine_containers | awk '{printf "  %-26s %s\n", $1, $2}')

Where to look
  the sample's page     http://127.0.0.1:$web_port/
  the hub's API         https://127.0.0.1:$api_port/api/v1/   (token and CA: $state/hub/admin.token, ca.pem)
  the command line      export HIVEMIND_HUB=https://127.0.0.1:$api_port HIVEMIND_TOKEN_FILE=$state/hub/admin.token
                        $bin/hivemind status
  logs                  $state/hub.log  $state/agent.log
  the engine            export DOCKER_HOST=$DOCKER_HOST

Try it: change something, commit, and see it arrive
  cd $state/fleet
  sed -i 's/^GREETING=.*/GREETING=good morning/' web/web.env
  git commit -am 'a friendlier greeting'
  $bin/hivemind sync --wait && curl http://127.0.0.1:$web_port/

Stop it
  $here/quickstart.sh --stop
TEXT
}

main() {
  local verb=${1:-start}
  [[ $# -le 1 ]] || { usage >&2; exit 2; }
  name=quickstart
  case $verb in
    start | --stop) ;;
    --check) name=quickstart-check ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  # One that is told its directory by hand shares it between all verbs, but a check never touches what runs there.
  state=$(realpath -m "${HIVEMIND_QUICKSTART_DIR:-$root/build/quickstart}")${name#quickstart}
  lock

  case $verb in
    start)
      start
      tell
      ;;
    --stop)
      stop
      say "stopped, nothing is left"
      ;;
    --check)
      trap 'stop || true' EXIT
      (stop)  # what a check that was killed may have left; a subshell, so that nothing of it is remembered
      start
      check
      ;;
  esac
}

main "$@"
