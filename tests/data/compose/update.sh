#!/bin/sh
# update.sh [CASE…]: writes expected.json or expected.err of the cases anew, from what the reference makes of them.
# COMPOSE names it: a docker-compose of version 2.40. Without cases: of all that have neither.
set -eu
cd "$(dirname "$0")"
compose=${COMPOSE:-$HOME/.docker/cli-plugins/docker-compose}
if [ $# -eq 0 ]; then
  for directory in */; do
    [ -e "$directory/expected.json" ] || [ -e "$directory/expected.err" ] || set -- "$@" "${directory%/}"
  done
fi
for case in "$@"; do
  (
    cd "$case"
    rm -f expected.json expected.err
    here=$(pwd)
    if (ulimit -v 4000000; timeout 20 env -i PATH="$PATH" HOME=/nonexistent "$compose" -p "$case" -f compose.yml config --format json) \
        >expected.json 2>expected.err; then
      rm expected.err
      sed -i "s|$here/|/project/|g; s|$here\"|/project\"|g; s|${here%/*}/|/|g" expected.json
    else
      rm expected.json
      sed -i "/level=warning/d; s|$here/|/project/|g; s|$here|/project|g" expected.err
    fi
  )
done
