#!/usr/bin/env bash
# Shows the main job on real servers, and what Curfew says when something goes wrong. Installs what is missing,
# builds, and exits 0 only if every part came out as it must.
set -uo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh release demo_real_servers demo_orphan demo_hung_server demo_hung_test || exit 1
programs=build/release/examples
export PATH=$PATH:/usr/sbin:/sbin

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' reset=$'\e[0m' colour=yes
else
  bold='' green='' red='' reset='' colour=no
fi
wrong=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

heading() { printf '\n%s== %s%s\n\n' "$bold" "$1" "$reset"; }
verdict() { # verdict TRUTH TEXT
  if [ "$1" = 0 ]; then printf '%s  as it must: %s%s\n' "$green" "$2" "$reset"
  else printf '%s  NOT as it must: %s%s\n' "$red" "$2" "$reset"; wrong=$((wrong + 1)); fi
}
run() { # run PROGRAM ARGS...: shows and keeps its output
  "$programs/$1" --gtest_color=$colour "${@:2}" 2>&1 | tee "$output"
  status=${PIPESTATUS[0]}
}
says() { grep -qE "$1" "$output"; verdict $? "the report says \"$1\""; }
ends() { [ "$status" = "$1" ]; verdict $? "exit status $1"; }

began=$SECONDS
heading "1. Real servers: redis (TCP), nginx (HTTP), and the classic \"watch date > date.txt\""
run demo_real_servers
ends 0
says '0 leaks'

heading "2. A server leaves a daemon behind (double fork, setsid): caught, named, reaped"
run demo_orphan
ends 1
says 'leaked process [0-9]+'
says 'own session [0-9]+'
says 'its parent is gone'
says 'in Daemonising.LooksInnocent'
says 'nothing of it is left'
says 'OK.*WellBehaved.StartsClean'

heading "3. A server that never listens: ended by its deadline, with what was seen"
run demo_hung_server
ends 1
says 'not ready after its ready_timeout of 1 s'
says 'nobody listens'

heading "4. A test that hangs on its server: ended by the test's deadline, and the next one runs"
run demo_hung_test --curfew_test_timeout=2s
ends 1
says 'still running after its timeout of 2 s'
says 'OK.*Echo.RunsNext'

heading "What is left of all that"
left=$(ps -eo pid=,stat=,args= | awk -v here="$PWD/build/" '$2 !~ /Z/ && (index($3, here) == 1 || index($3, "build/release/") == 1)')
printf '%s' "$left"
[ -z "$left" ]; verdict $? "no process is left"
echo
if [ $wrong -eq 0 ]; then printf '%s%sThe demo came out as it must, in %d s.%s\n' "$bold" "$green" $((SECONDS - began)) "$reset"
else printf '%s%s%d things did not come out as they must.%s\n' "$bold" "$red" "$wrong" "$reset"; exit 1; fi
