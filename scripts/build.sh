#!/usr/bin/env bash
# scripts/build.sh PRESET [TARGET...]: installs what is missing, configures and builds. Used by the other scripts.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
scripts/install-dependencies.sh
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 # so that every clone shares what another has compiled
fi
log=build/$preset.log
mkdir -p build
echo "building ($preset), log in $log"
if ! { cmake --preset "$preset" "${launcher[@]}" && cmake --build --preset "$preset" ${*:+--target "$@"}; } >"$log" 2>&1; then
  tail -40 "$log" >&2
  exit 1
fi
