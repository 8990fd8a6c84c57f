#!/usr/bin/env bash
# scripts/churn.sh [TIMES] [PRESET]: 16 programs beside each other, each of which starts and stops 200 servers in turn,
# with 300 ports for all of them; the same with a thief who takes ports at random. TIMES (3) such rounds, then a line of
# sums. Any server that does not start, or is not its own, fails it. Needs a network namespace of its own (root, or user
# namespaces); where there is none it fails, too.
set -euo pipefail
cd "$(dirname "$0")/.."
times=${1:-3}
preset=${2:-release}
scripts/build.sh "$preset" churn_test
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
for ((i = 1; i <= times; i++)); do
  begin=$SECONDS
  CURFEW_CHURN=full "build/$preset/tests/integration/churn_test" >"$log.one" 2>&1 || failed=$((failed + 1))
  grep -q SKIPPED "$log.one" && failed=$((failed + 1))
  grep -E 'FAILED|SKIPPED|^server ' "$log.one" || true
  cat "$log.one" >>"$log"
  echo "round $i of $times: $((SECONDS - begin)) s, load $(cut -d' ' -f1 /proc/loadavg) on $(nproc) processors"
done
awk '/servers, .* ports were taken/ { servers += $1; taken += $3; programs += 1 }
     END { print programs " programs started " servers " servers; " taken " times a port was taken and the start retried" }' "$log"
rm -f "$log.one"
echo "$failed of $times rounds failed"
[ "$failed" = 0 ]
