#!/usr/bin/env bash
# scripts/soak.sh [MINUTES] [PRESET]: 8 test programs in parallel start and stop servers for so many minutes (default 10),
# which has to do for 10,000 times in all. Prints what each held before and after, and fails on growth and on anything
# that is left: descriptors, memory, processes, zombies, cgroups, temporary files, ports.
set -uo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-10}
preset=${2:-dev}
programs=8
scripts/build.sh "$preset" soaker curfew-keeper curfew-warden sample_servers || exit 1

work=$(mktemp -d)
pids=()
finish() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
mkdir "$work/tmp" "$work/findings"
export TMPDIR=$work/tmp
# Without the store of freed memory that ASan keeps, which grows by design.
export ASAN_OPTIONS=quarantine_size_mb=1:log_path=$work/findings/asan:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=log_path=$work/findings/ubsan:${UBSAN_OPTIONS:-}

# By path, so that nobody else's processes are meant; [listening ports of] what runs from this build.
running() { ps -eo pid=,stat=,args= | awk -v here="$PWD/build/$preset/" 'index($3, here) == 1 && index($3, "soaker") == 0'; }
before=$(running | wc -l)
for ((i = 0; i < programs; ++i)); do
  timeout $((minutes * 60 + 600)) "build/$preset/tests/escape/soaker" 1000000 $((minutes * 60)) >"$work/out.$i" 2>&1 &
  pids+=($!)
done
result=0
for pid in "${pids[@]}"; do wait "$pid" || result=1; done
pids=()
cat "$work"/out.*
left=$(running | wc -l)
echo "processes of this build: $before before, $left after; temporary files left: $(find "$work/tmp" -mindepth 1 | wc -l)"
[ "$left" -le "$before" ] || { running && result=1; }
[ -z "$(ls -A "$work/tmp")" ] || result=1
if [ -n "$(ls -A "$work/findings")" ]; then
  head -40 "$work/findings"/*
  result=1
fi
cycles=$(awk '/ cycles in /{cycles += $1} END {print cycles}' "$work"/out.*)
echo "$cycles cycles in all"
[ "$minutes" -lt 10 ] || [ "$cycles" -ge 10000 ] || { echo "too few: 10,000 in 10 minutes" && result=1; }
[ $result -eq 0 ] && echo "nothing has grown, nothing is left"
exit $result
