#!/usr/bin/env bash
# scripts/compare-readiness.sh [STARTS] [PRESET]: the time from a server's listen(2) to the moment at which its test may
# go on: by each of our ways, and by what others use, on the same server in one run. 200 starts each by default, dealt
# out in rounds so that a machine that is busy for a while is so for all. docs/architecture.md says how to read it.
#
# Needs node, npm and the npm registry (Playwright, wait-on and start-server-and-test go into a temporary directory);
# with python3-pytest-xprocess also pytest-xprocess. What is missing is left out, and said.
set -euo pipefail
cd "$(dirname "$0")/.."
starts=${1:-200}
preset=${2:-release}
rounds=4
((starts >= rounds)) || starts=$rounds
each=$((starts / rounds))
scripts/build.sh "$preset" readiness_bench stamps_listen

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/results"
cp bench/compare/* "$work"
echo "test('nothing', () => {})" | sed "1i const { test } = require('@playwright/test')" >"$work/nothing.spec.js"
export WORK=$work STAMP=$work/stamp STAMPS_LISTEN=$PWD/build/$preset/sample_servers/stamps_listen

missing=()
if command -v npm >/dev/null && (cd "$work" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --no-save --no-audit --no-fund \
  @playwright/test wait-on start-server-and-test) >"$work/npm.log" 2>&1; then
  node=yes
else
  node=
  missing+=("Playwright, wait-on, start-server-and-test (npm: $(tail -n 1 "$work/npm.log" 2>/dev/null || echo 'not installed'))")
fi
xprocess=
for python in python3 /usr/bin/python3; do # Debian's, where another one comes first
  if [ -z "$xprocess" ] && "$python" -c 'import pytest, xprocess' 2>/dev/null; then xprocess=$python; fi
done
[ -n "$xprocess" ] || missing+=("pytest-xprocess (Debian: python3-pytest-xprocess)")

# Below the range from which the kernel gives out ports.
port=21000
next_ports() {
  export FIRST_PORT=$port
  port=$((port + each + 1))
}
run() { # run NAME COMMAND...: its output is shown only if it fails
  local name=$1
  shift
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    echo "compare-readiness: $name failed" >&2
    exit 1
  }
}
playwright() {
  for ((i = 0; i < each; i++)); do
    rm -f "$work/playwright-server.json"
    FIRST_PORT=$((FIRST_PORT + i)) RESULT="$work/results/6  Playwright's webServer" npx playwright test --config "$work/playwright.config.js"
  done
}
for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds" >&2
  run readiness_bench "build/$preset/bench/readiness_bench" "$each" "$work/results"
  if [ -n "$node" ]; then
    next_ports
    run wait-on node "$work/wait_on.js" wait-on "$each" "$work/results/7  wait-on"
    next_ports
    run start-server-and-test node "$work/wait_on.js" start-server-and-test "$each" "$work/results/8  start-server-and-test"
    next_ports
    (cd "$work" && run Playwright playwright)
  fi
  if [ -n "$xprocess" ]; then
    next_ports
    export STARTS=$each RESULT="$work/results/9  pytest-xprocess"
    (cd "$work" && run pytest-xprocess "$xprocess" -m pytest -q test_xprocess.py)
  fi
done
echo "load $(cut -d' ' -f1 /proc/loadavg) on $(nproc) processors"
python3 "$work/table.py" "$work/results"
for what in "${missing[@]}"; do echo "not compared: $what"; done
