#!/usr/bin/env bash
# Sourced by quickstart.sh: proves, against the engine itself, that the quickstart does what it says.

failures=0

# expect WHAT COMMAND...: one line a check; all of them are made, so that one run shows all that is wrong.
expect() {
  local what=$1
  shift
  if "$@"; then
    echo "  ok      $what"
  else
    echo "  FAILED  $what"
    failures=$((failures + 1))
  fi
}

page() { curl -sS --fail --max-time 5 --retry 20 --retry-connrefused --retry-delay 1 "http://127.0.0.1:$web_port$1"; }
page_holds() { [[ $(page "$1") == *"$2"* ]]; }
container_is() { engine_containers | grep -q "^$1 $2 "; }
absent() { ! engine_containers | grep -q "^$1"; }
same() { [[ $1 == "$2" ]]; }
differ() { [[ $1 != "$2" && -n $2 ]]; }
ids_but() { engine_containers | grep -v "^$1 "; }
id_of() { engine_containers | awk -v name="$1" '$1 == name {print $3}'; }
exit_code_is() { [[ $(engine_api GET "/containers/$1/json" | jq .State.ExitCode) == "$2" ]]; }
volume_there() { engine_api GET "/volumes/$1" >/dev/null 2>&1; }
network_gone() { ! engine_api GET "/networks/$1" >/dev/null 2>&1; }

# commit MESSAGE: everything that was changed in the fleet's repository, fetched at once and waited for.
commit() {
  fleet_git commit -q -a -m "$1"
  hivemind sync --wait >"$state/sync.log" 2>&1 || { cat "$state/sync.log"; return 1; }
}

check_first_revision() {
  local service
  for service in web-site web-backend telemetry-collector kiosk-screen; do
    expect "container 'check-$service-1' runs" container_is "check-$service-1" running
  done
  expect "the one-shot 'check-telemetry-prepare-1' ended" container_is check-telemetry-prepare-1 exited
  expect "and did so with exit code 0" exit_code_is check-telemetry-prepare-1 0
  expect "the sample's page answers at http://127.0.0.1:$web_port/" page_holds / "hello from"
  expect "a file of the repository is served from inside the container" page_holds /config "travels from Git"
}

check_change_of_one_service() {
  local others site
  others=$(ids_but check-web-site-1)
  site=$(id_of check-web-site-1)
  sed -i 's/^GREETING=.*/GREETING=good morning/' "$state/fleet/web/web.env"
  expect "a second commit is synced" commit "a friendlier greeting"
  expect "the page greets anew" page_holds / "good morning from"
  expect "the container of the changed service is another" differ "$site" "$(id_of check-web-site-1)"
  expect "no other container was touched" same "$others" "$(ids_but check-web-site-1)"
}

check_unrelated_commit() {
  local before
  before=$(engine_containers)
  echo "# a remark" >>"$state/fleet/stacks.yml"
  expect "a commit that changes no service is synced" commit "a remark"
  expect "it touches no container" same "$before" "$(engine_containers)"
}

# refused_without_certificate: a stranger who knows all that is public, the CA and the hub's key, and the name of a node.
refused_without_certificate() {
  timeout -s TERM 8 "$bin/hivemind-agent" --data-dir "$state/stranger" --node "$node" --engine "$DOCKER_HOST" \
    --broker "mqtts://127.0.0.1:$broker_port" --broker-ca "$state/hub/ca.pem" --hub-key "$state/hub/hub.pub" \
    >"$state/stranger.log" 2>&1 || true
  grep -q 'wants a certificate' "$state/stranger.log" && ! grep -q 'connected to the broker' "$state/stranger.log"
}

check_identity() {
  expect "the agent has a certificate of the hub's" \
    same "$("$bin/hivemind-agent" status --data-dir "$state/agent" --output json | jq -r .identity.node)" "$node"
  expect "nobody but the owner can read its keys" same "$(find "$state/agent/identity" -perm /077)" ""
  expect "an agent without a certificate is refused" refused_without_certificate
}

check_removed_stack() {
  local others
  others=$(engine_containers | grep -v '^check-telemetry')
  sed -i '/- name: check-telemetry/,/^$/d' "$state/fleet/stacks.yml"
  expect "a commit without stack 'check-telemetry' is synced" commit "telemetry goes"
  expect "its containers are gone" absent check-telemetry
  expect "its network is gone" network_gone check-telemetry_default
  expect "its named volume stays" volume_there check-telemetry_readings
  expect "no other container was touched" same "$others" "$(engine_containers)"
}

check() {
  say "checks"
  check_first_revision
  check_change_of_one_service
  check_unrelated_commit
  check_identity
  check_removed_stack
  local here_node=$node
  say "tearing down"
  stop
  if [[ $engine == running ]]; then
    node=$here_node
    expect "no container is left" same "$(engine_containers)" ""
  fi
  if ((failures > 0)); then fail "$failures checks failed"; fi
  say "all checks passed"
}
