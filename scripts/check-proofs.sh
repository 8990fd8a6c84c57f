#!/usr/bin/env bash
# scripts/check-proofs.sh [COPIES [TIMES [PROOF...]]]: builds examples/proofs with ASan and UBSan, and shows that each
#   - is green TIMES (50) times in each of COPIES (8) processes side by side, every time with new servers
#   - leaves nothing behind when it is killed by SIGKILL while its servers run
# A proof whose library or server is not installed here is said to be, and is no success: the script ends with 1.
# Without a network and without root; see examples/proofs/install.sh for what has to be there.
set -euo pipefail
cd "$(dirname "$0")/.."
copies=${1:-8}
times=${2:-50}
shift $(($# < 2 ? $# : 2))
proofs=("$@")
[ ${#proofs[@]} -gt 0 ] || proofs=(brpc_redis brpc_memcache brpc_mysql libmemcached azurite minipostgres httplib)
programs=${CURFEW_PROOFS:-build/dev/examples/proofs} # with CURFEW_PROOFS nothing is built
export CURFEW_REQUIRE=all CURFEW_TIMEOUT_SCALE=${CURFEW_TIMEOUT_SCALE:-4} # eight of them share the machine
[ -n "${CURFEW_PROOFS:-}" ] || scripts/build.sh dev proofs
scratch=$(mktemp -d)
chmod 711 "$scratch" # servers that change to another user have to get through
trap 'rm -rf "$scratch"' EXIT

# Processes that work for the run whose TMPDIR is $1: their directory is below it, or their environment names it. Some
# servers write over their environment, and some helpers change their directory; no name is looked at. Zombies are gone.
at_home() { find /proc/[0-9]*/cwd -maxdepth 0 -lname "$1/*" 2>/dev/null || true; }
census() {
  { at_home "$1"; grep -lsaF "TMPDIR=$1" /proc/[0-9]*/environ || true; } | cut -d/ -f3 | sort -u
}

side_by_side() { # proof: COPIES processes, each of which runs the whole program TIMES times
  local began=$SECONDS green=0 bad=0 copy pids=()
  mkdir "$scratch/$1"
  for copy in $(seq "$copies"); do
    "$programs/proof_$1" --gtest_repeat="$times" --gtest_brief=1 >"$scratch/$1/$copy" 2>&1 &
    pids+=($!)
  done
  for copy in $(seq "$copies"); do
    wait "${pids[$((copy - 1))]}" || { bad=$((bad + 1)) && tail -n 60 "$scratch/$1/$copy"; }
    green=$((green + $(awk '/^\[  PASSED  \] [1-9]/ {passed=1} /^\[  (FAILED|SKIPPED) / {bad=1}
      / ran\. / {n += passed && !bad; passed = bad = 0} END {print n + (passed && !bad)}' "$scratch/$1/$copy")))
  done
  printf '%-14s %d of %d runs green, %d at a time, %d s\n' \
    "$1" "$green" $((copies * times)) "$copies" $((SECONDS - began))
  [ "$bad" -eq 0 ] && [ "$green" -eq $((copies * times)) ]
}

killed() { # proof: SIGKILL while its servers are up
  local home=$scratch/home-$1 program before after began deadline=$((SECONDS + 300))
  mkdir -m 711 "$home"
  TMPDIR=$home "$programs/proof_$1" --gtest_repeat=1000 >"$scratch/killed-$1" 2>&1 &
  program=$!
  # A server's directory is below the run's; the program's own is here.
  while [ -z "$(at_home "$home")" ]; do
    [ $SECONDS -lt $deadline ] && kill -0 $program 2>/dev/null || { tail -20 "$scratch/killed-$1"; return 1; }
  done
  before=$(census "$home" | wc -l)
  kill -KILL $program
  wait $program 2>/dev/null || true
  began=$SECONDS
  while after=$(census "$home" | wc -l); [ "$after" -gt 0 ] && [ $((SECONDS - began)) -lt 120 ]; do :; done
  printf '%-14s killed by SIGKILL with %d processes at work: %d left after %d s\n' \
    "$1" "$before" "$after" $((SECONDS - began))
  [ "$after" -eq 0 ]
}

status=0
for proof in "${proofs[@]}"; do
  if [ ! -x "$programs/proof_$proof" ]; then
    echo "$proof: NOT TESTED, its client library is not installed (examples/proofs/install.sh)"
    status=1
    continue
  fi
  side_by_side "$proof" || status=1
  killed "$proof" || status=1
done
exit $status
