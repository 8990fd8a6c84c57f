#!/usr/bin/env bash
# scripts/check-runners.sh PROGRAM: does a suite (tests/downstream/kv_test.cc) behave under every runner that people
# use: bare, several at once, test by test as gtest-parallel does it, sharded and timed out as Bazel does it, under
# gdb, valgrind and strace, and as pid 1 of a PID namespace? After each nothing it launched may be alive. What is not
# installed here is skipped, and says so.
set -uo pipefail
program=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 wrong=0 skipped=0
sanitised=0
if grep -aq __asan_init "$program"; then sanitised=1; fi

skip() { echo "NOT CHECKED: $1: $2"; skipped=$((skipped + 1)); }

# Whatever a check began and is alive: each has the name of that check's directory in its environment. A number would
# not do: it is somebody else's before long. Keepers may still be ending.
still_alive() {
  local attempt found pid
  for attempt in $(seq 100); do
    found=''
    for pid in $(grep -lzE "^(CURFEW_ARTIFACTS|TEST_UNDECLARED_OUTPUTS_DIR)=$1\$" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3); do
      [ -s "/proc/$pid/cmdline" ] && found="$found $pid ($(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | cut -c1-60))"
    done
    [ -z "$found" ] && return
    sleep 0.2 # until all have ended, 20 s at most
  done
  echo "$found"
}

# check NAME WANTED-STATUS COMMAND...: runs it with a directory for its journals; sets `kept` to that.
check() {
  local name=$1 wanted=$2 status left
  shift 2
  kept=$scratch/$passed$wrong$skipped
  mkdir -p "$kept"
  CURFEW_ARTIFACTS=$kept "$@" >"$kept/output" 2>&1 </dev/null
  status=$?
  left=$(still_alive "$kept")
  if [ "$status" -eq "$wanted" ] && [ -z "$left" ] && compgen -G "$kept/*.jsonl" >/dev/null; then
    echo "as it must: $name"
    passed=$((passed + 1))
  else
    echo "WRONG: $name: status $status instead of $wanted, still alive: ${left:-nothing}, journals: $(ls "$kept" | grep -c jsonl)"
    tail -40 "$kept/output"
    wrong=$((wrong + 1))
  fi
}
holds() { # holds NAME CONDITION...
  local name=$1
  shift
  if "$@"; then passed=$((passed + 1)); else echo "WRONG: $name"; wrong=$((wrong + 1)); fi
}

check "bare" 0 "$program"

all_of() { local status=0 pid; for pid in "$@"; do wait "$pid" || status=1; done; return $status; }
four_at_once() {
  local pids=()
  for _ in 1 2 3 4; do "$program" & pids+=($!); done
  all_of "${pids[@]}"
}
check "four copies at once" 0 four_at_once

test_by_test() {
  local pids=() suite=''
  while read -r line; do
    case $line in
      *.) suite=$line ;;
      *) "$program" --gtest_filter="$suite$line" --gtest_color=no & pids+=($!) ;;
    esac
  done < <("$program" --gtest_list_tests | sed 's/ *#.*//; s/^ *//' | grep -v DISABLED_)
  [ ${#pids[@]} -gt 2 ] && all_of "${pids[@]}"
}
check "test by test, in parallel (gtest-parallel)" 0 test_by_test

# Bazel's test-setup.sh hands its own variables on as GoogleTest's.
bazel=$scratch/bazel/a/directory/with/a/long/name/as/bazels/output/base/has/execroot/main/bazel-out/k8-fastbuild/testlogs
mkdir -p "$bazel/tmp" "$bazel/outputs"
bazels() {
  env -u CURFEW_ARTIFACTS TEST_TMPDIR="$bazel/tmp" TEST_UNDECLARED_OUTPUTS_DIR="$kept" XML_OUTPUT_FILE="$bazel/test.xml" \
    TEST_PREMATURE_EXIT_FILE="$bazel/premature" "$@"
}
check "Bazel" 0 bazels "$program"
holds "Bazel's premature exit file is gone" [ ! -e "$bazel/premature" ]
holds "Bazel's XML is there" grep -q '<testsuites' "$bazel/test.xml"
shards() {
  local index pids=()
  for index in 0 1; do
    bazels env GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=$index TEST_TOTAL_SHARDS=2 TEST_SHARD_INDEX=$index "$program" & pids+=($!)
  done
  all_of "${pids[@]}"
}
check "Bazel, two shards" 0 shards
timed_out() { # SIGTERM when the server is up, as Bazel and timeout(1) send it
  bazels "$program" --gtest_also_run_disabled_tests --gtest_filter='*HangsUntilItIsEnded' &
  local pid=$! attempt
  for attempt in $(seq 600); do
    grep -qs '"event":"launched"' "$kept"/*.jsonl && break
    sleep 0.1 # until the journal says so, a minute at most
  done
  kill -TERM $pid
  wait $pid
}
check "Bazel's time-out (SIGTERM)" 143 timed_out
holds "Bazel's premature exit file tells" [ -e "$bazel/premature" ]

# LeakSanitizer cannot work in a traced process.
traced=(env ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-} CURFEW_TIMEOUT_SCALE=10)
if command -v gdb >/dev/null; then
  check "gdb" 0 "${traced[@]}" gdb -nx -batch -ex run -ex 'quit $_exitcode' "$program"
else skip gdb "not installed"; fi
if command -v strace >/dev/null; then
  check "strace -f" 0 "${traced[@]}" strace -f -o /dev/null "$program"
else skip "strace -f" "not installed"; fi
if [ $sanitised -eq 1 ]; then skip valgrind "the program is sanitised"
elif command -v valgrind >/dev/null; then
  check "valgrind" 0 env CURFEW_TIMEOUT_SCALE=20 valgrind -q --error-exitcode=9 "$program"
else skip valgrind "not installed"; fi

if unshare --pid --fork --mount-proc true 2>/dev/null; then
  check "pid 1 of a PID namespace" 0 unshare --pid --fork --kill-child --mount-proc "$program"
elif unshare --user --map-root-user --pid --fork --mount-proc true 2>/dev/null; then
  check "pid 1 of a PID namespace" 0 unshare --user --map-root-user --pid --fork --kill-child --mount-proc "$program"
else skip "pid 1 of a PID namespace" "unshare is not allowed here"; fi

echo "$passed as they must, $wrong wrong, $skipped not checked"
[ $wrong -eq 0 ]
