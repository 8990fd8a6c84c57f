#!/usr/bin/env bash
# Builds Curfew and runs all its tests: scripts/test.sh [PRESET...], presets dev (the default), release, tsan, clang.
# Installs what is missing first. Ends with "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(dev)

# A sanitizer's finding in a helper process has no stderr to appear on: it goes to files, which are looked for
# at the end.
findings=$(mktemp -d)
chmod 1777 "$findings"
trap 'rm -rf "$findings"' EXIT
export ASAN_OPTIONS=log_path=$findings/asan:${ASAN_OPTIONS:-}
# Which suppressions were used (a proof has one, for its client library) is no finding.
export LSAN_OPTIONS=print_suppressions=0:${LSAN_OPTIONS:-}
export UBSAN_OPTIONS=log_path=$findings/ubsan:print_stacktrace=1:${UBSAN_OPTIONS:-}
export TSAN_OPTIONS=log_path=$findings/tsan:${TSAN_OPTIONS:-}

passed=0
failed=0
for preset in "${presets[@]}"; do
  scripts/build.sh "$preset" || exit 1
  output=$(mktemp)
  ctest --preset "$preset" | tee "$output"
  total=$(sed -n 's/.*tests failed out of \([0-9]*\).*/\1/p' "$output")
  bad=$(sed -n 's/.*, \([0-9]*\) tests failed out of .*/\1/p' "$output")
  rm -f "$output"
  if [ -z "$total" ]; then
    echo "error: ctest ran no test" >&2
    failed=$((failed + 1))
  else
    passed=$((passed + total - bad))
    failed=$((failed + bad))
  fi
done

# Tests kill programs at every moment; one that was killed when it had opened its file, to say something that nobody
# will know, has left it empty.
find "$findings" -type f -empty -printf 'note: %f: this process was killed before it could write why\n' -delete >&2
# Nor is it one that a thread was killed while the leak sanitizer looked at it: of that it says this line, and goes on.
find "$findings" -type f | while read -r file; do
  grep -qv '^==[0-9]*==Unable to get registers from thread [0-9]*\.$' "$file" && continue
  echo "note: ${file##*/}: a thread was killed while leaks were looked for" >&2
  rm -f "$file"
done
if [ -n "$(ls -A "$findings")" ]; then
  echo "sanitizer findings:" >&2
  head -60 "$findings"/* >&2
  failed=$((failed + 1))
fi
# By path, so that nobody else's processes are meant. Zombies that init has yet to collect do not count.
left=$(ps -eo pid=,stat=,args= | awk -v here="$PWD/build/" '$2 !~ /Z/ && index($3, here) == 1')
if [ -n "$left" ]; then
  printf 'still running after the tests:\n%s\n' "$left" >&2
  failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
