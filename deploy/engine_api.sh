#!/usr/bin/env bash
# Sourced: the Engine API from the shell, without a Docker command line, whose oldest usable engine changes with its version.

# engine_api METHOD PATH [CURL ARGUMENT...]: the answer's body; fails on a status of 400 and above, and when nobody answers.
engine_api() {
  local method=$1 path=$2 host=${DOCKER_HOST:-unix:///var/run/docker.sock}
  shift 2
  case $host in
    unix://*) curl -sS --fail --max-time "${ENGINE_API_SECONDS:-120}" --unix-socket "${host#unix://}" \
                   -X "$method" "$@" "http://localhost$path" ;;
    tcp://*) curl -sS --fail --max-time "${ENGINE_API_SECONDS:-120}" -X "$method" "$@" "http://${host#tcp://}$path" ;;
    *) echo "DOCKER_HOST '$host' is of no known kind (unix:///path or tcp://host:port)" >&2; return 1 ;;
  esac
}

engine_answers() { ENGINE_API_SECONDS=5 engine_api GET /_ping >/dev/null 2>&1; }

# label_filter KEY=VALUE...: a filters= argument, escaped for a query.
label_filter() { jq -rcn '{label: $ARGS.positional} | @json | @uri' --args "$@"; }
