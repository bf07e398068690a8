#!/usr/bin/env bash
# Sourced by quickstart.sh: its parts. They use $root, $here, $bin, $state (the directory of this instance) and $name.

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
fail() {
  echo "quickstart: $*" >&2
  exit 1
}

# Two at once would start everything twice. The lock goes with this process: children get no copy of it (9>&-).
lock() {
  mkdir -p "$state"
  exec 9>"$state.lock"
  flock -n 9 || fail "another quickstart is at work in '$state' (wait for it)"
}

build() {
  say "build (the first one takes some minutes)"
  if [[ ! -e $root/build/release/build.ninja ]]; then
    (cd "$root" && cmake --preset release -DHIVEMIND_TESTS=OFF) >"$state/configure.log" 2>&1 9>&- || {
      tail -n 20 "$state/configure.log" >&2
      fail "cmake could not configure the build (the whole log: $state/configure.log)"
    }
  fi
  cmake --build "$root/build/release" --target hivemind-hub hivemind-agent hivemind -j "$(nproc)" 9>&- ||
    fail "the build failed"
}

# --- what this instance uses; written once, so that a second run finds the first one's choices

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port WANTED: that one, or the next that nobody listens on.
free_port() {
  local port=$1
  while port_taken "$port" || [[ " ${api_port:-} ${broker_port:-} ${web_port:-} " == *" $port "* ]]; do port=$((port + 1)); done
  echo "$port"
}

choose_settings() {
  if [[ -e $state/settings ]]; then
    read_settings
    return
  fi
  node=$name
  api_port=$(free_port 7373)
  broker_port=$(free_port 1883)
  web_port=$(free_port 8080)
  engine=running
  if ! engine_answers; then
    [[ -z ${DOCKER_HOST:-} ]] || fail "no engine answers at DOCKER_HOST '$DOCKER_HOST' (start it, or unset the variable)"
    engine=private
  fi
  write_settings
}

write_settings() {
  cat >"$state/settings" <<TEXT
node=$node
api_port=$api_port
broker_port=$broker_port
web_port=$web_port
engine=$engine
DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
TEXT
}

read_settings() {
  # shellcheck source=/dev/null
  source "$state/settings"
  export DOCKER_HOST
}

start_engine() {
  if [[ $engine == private ]]; then
    "$here/dependencies.sh" engine
    DOCKER_HOST=$("$here/engine.sh" start "$state/engine" 9>&-)
    write_settings
  fi
  read_settings
  engine_answers || fail "the engine at '$DOCKER_HOST' does not answer (start it, or begin anew with quickstart.sh --stop)"
  echo "  $engine, at $DOCKER_HOST"
}

# --- the fleet's repository

fleet_git() {
  git -C "$state/fleet" -c user.name=Quickstart -c user.email=quickstart@localhost -c commit.gpgsign=false "$@"
}

make_fleet() {
  [[ ! -e $state/fleet/.made ]] || return 0
  rm -rf "$state/fleet"
  cp -r "$here/sample/fleet" "$state/fleet"
  sed -i "s/^WEB_PORT=.*/WEB_PORT=$web_port/" "$state/fleet/web/web.env"
  # Container names hold the stack's; a check beside a running quickstart must not want the same ones.
  [[ $name == quickstart ]] || sed -i "s/^  - name: /&check-/; s/^  quickstart:/  $node:/" "$state/fleet/stacks.yml"
  git init -q -b main "$state/fleet"
  git -C "$state/fleet" config user.name Quickstart
  git -C "$state/fleet" config user.email quickstart@localhost
  fleet_git add . && fleet_git commit -q -m "the sample fleet"
  touch "$state/fleet/.made"
  echo .made >>"$state/fleet/.git/info/exclude"
}

# --- hub and agent

# running PART: its process id, when the process of that pid file is still ours and not a later one with the same number.
running() {
  local pid
  pid=$(cat "$state/$1.pid" 2>/dev/null) && { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null |
    grep -qF -- "--data-dir $state/$1 " && echo "$pid"
}

# launch PART PROGRAM ARGUMENT...
launch() {
  local part=$1 pid
  shift
  if pid=$(running "$part"); then
    echo "  $part runs already (process $pid)"
    return
  fi
  setsid "$@" >>"$state/$part.log" 2>&1 </dev/null 9>&- &
  echo $! >"$state/$part.pid"
  echo "  $part started (process $!)"
}

# await SECONDS PART WHAT COMMAND...: until the command succeeds; an end of the part's process is told at once.
await() {
  local deadline=$((SECONDS + $1)) part=$2 what=$3
  shift 3
  until "$@" >/dev/null 2>&1; do
    running "$part" >/dev/null || give_up "$part" "the $part ended"
    ((SECONDS < deadline)) || give_up "$part" "$what did not come"
    sleep 0.1
  done
}

give_up() {
  tail -n 20 "$state/$1.log" >&2
  fail "$2 (the whole log: $state/$1.log)"
}

# The hub's own CA vouches for it, and nobody else. The token goes past the command line, which everybody on the machine can see.
hub_get() {
  curl -sS --fail --max-time 40 --cacert "$state/hub/ca.pem" -H @<(printf 'Authorization: Bearer %s\n' "$(<"$state/hub/admin.token")") \
    "https://127.0.0.1:$api_port$1"
}

hivemind() {
  "$bin/hivemind" --hub "https://127.0.0.1:$api_port" --token-file "$state/hub/admin.token" "$@"
}

start_hub() {
  launch hub "$bin/hivemind-hub" --data-dir "$state/hub" --git-url "file://$state/fleet" --git-branch main \
    --poll-interval 5 --listen "127.0.0.1:$api_port" --tls on --broker-listen "127.0.0.1:$broker_port" --broker-tls on
  await 30 hub "the hub's answer" hub_get /readyz
}

# As on any other machine: a token from the hub, then one command.
enrol_agent() {
  local token
  [[ ! -e $state/agent/identity ]] || return 0
  token=$(hivemind node token create --id "$node" --label role=kiosk --label site=here | grep -o 'hm1\.[^ ]*' | head -n 1)
  HIVEMIND_ENROLL_TOKEN=$token "$bin/hivemind-agent" enroll --hub "https://127.0.0.1:$api_port" --data-dir "$state/agent" |
    sed 's/^/  /'
}

start_agent() {
  launch agent "$bin/hivemind-agent" --data-dir "$state/agent" --engine "$DOCKER_HOST"
}

node_progress() {
  jq -r '[.state, (.stack_reports[]? | select(.state != "running") |
          .stack + " " + .state + (if .text != "" then " (" + .text + ")" else "" end))] | join("; ")'
}

# await_convergence SECONDS: shows each change on the way.
await_convergence() {
  local deadline=$((SECONDS + $1)) answer told="" text head
  head=$(git -C "$state/fleet" rev-parse HEAD)
  while true; do
    running hub >/dev/null || give_up hub "the hub ended"
    running agent >/dev/null || give_up agent "the agent ended"
    answer=$(hub_get "/api/v1/nodes/$node" 2>/dev/null || echo '{"state":"not seen yet"}')
    text=$(node_progress <<<"$answer")
    if [[ $text != "$told" ]]; then
      echo "  $text"
      told=$text
    fi
    if [[ $(jq -r .state <<<"$answer") == converged && $(hub_get /api/v1/status | jq -r .desired.revision) == "$head" ]]; then
      return
    fi
    ((SECONDS < deadline)) || give_up agent "node '$node' did not converge: $text"
    sleep 0.2
  done
}

# engine_containers: "name state id" of each container of this node, sorted.
engine_containers() {
  engine_api GET "/containers/json?all=1&filters=$(label_filter "com.hivemind.node=$node")" |
    jq -r '.[] | (.Names[0] | ltrimstr("/")) + " " + .State + " " + .Id' | sort
}

# --- tearing down

# end_process PART: politely, then not.
end_process() {
  local pid deadline=$((SECONDS + 15))
  pid=$(running "$1") || return 0
  kill -TERM "$pid" 2>/dev/null || true
  while running "$1" >/dev/null; do
    if ((SECONDS >= deadline)); then
      kill -KILL "$pid" 2>/dev/null || true
      break
    fi
    sleep 0.1
  done
}

remove_labelled() {
  local kind id filter
  filter=$(label_filter "com.hivemind.node=$node")
  for id in $(engine_api GET "/containers/json?all=1&filters=$filter" | jq -r '.[].Id'); do
    engine_api DELETE "/containers/$id?force=1&v=1" >/dev/null || true
  done
  for id in $(engine_api GET "/networks?filters=$filter" | jq -r '.[].Id'); do
    engine_api DELETE "/networks/$id" >/dev/null || true
  done
  for id in $(engine_api GET "/volumes?filters=$filter" | jq -r '.Volumes[]?.Name'); do
    engine_api DELETE "/volumes/$id" >/dev/null || true
  done
}

stop() {
  [[ -e $state/settings ]] || return 0
  read_settings
  # The agent first: it would put back what is removed under its eyes.
  end_process agent
  end_process hub
  if engine_answers; then remove_labelled; fi
  [[ $engine != private ]] || "$here/engine.sh" stop "$state/engine"
  rm -rf "$state"
}
