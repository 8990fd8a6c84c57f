#!/bin/sh
# check_leaks.sh CURFEW META_LEAKS SCHEMA: a run that is killed with its keeper and its warden leaves an orphan; the next
# test program says so, `curfew leaks` shows it with its test, and ends it. In a PID namespace of its own, where nobody
# else's orphans are and nothing of ours outlives the script. 77: no such namespace here.
set -eu
if [ "${CURFEW_CHECK_LEAKS:-}" != inside ]; then
  export CURFEW_CHECK_LEAKS=inside
  user=; [ "$(id -u)" = 0 ] || user=--map-root-user
  if ! unshare $user --pid --fork --mount-proc true 2>/dev/null; then
    echo "SKIPPED: no PID namespace can be made here"; exit 77
  fi
  exec unshare $user --pid --fork --mount-proc --kill-child sh "$0" "$@"
fi
curfew=$1 program=$2 schema=$3
fail() { echo "$*"; for file in said json program; do echo "--- $file"; cat $file 2>/dev/null || true; done; exit 1; }
# Cgroups are no part of the PID namespace: a leaf that some killed run has left on this machine would be found, too.
[ ! -d /sys/fs/cgroup ] || mount -t tmpfs none /sys/fs/cgroup || fail "the machine's cgroups cannot be hidden"
unset CURFEW_MARK CURFEW_OWNER CURFEW_JOURNALS CURFEW_ARTIFACTS
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export TMPDIR="$folder" CURFEW_CONTAINMENT=basic
cd "$folder"
expect() { # expect STATUS ARGS...: its words into the file "said"
  wanted=$1; shift
  status=0
  "$curfew" "$@" >said 2>&1 || status=$?
  [ "$status" = "$wanted" ] || fail "curfew $*: status $status instead of $wanted"
}
says() { grep -q -- "$1" said || fail "said nothing of: $1"; }
valid() { # the JSON in the file against the part of the schema that stands for it
  python3 -c 'import jsonschema' 2>/dev/null || { echo "NOT CHECKED: JSON (python3-jsonschema is missing)"; return 0; }
  python3 - "$schema" "$1" <<'PYTHON' || fail "$1 is not as the schema has it"
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1], encoding="utf-8"))
machine = {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": "#/$defs/machine"}
document = json.load(open(sys.argv[2], encoding="utf-8"))
validator = jsonschema.Draft202012Validator(machine)
validator.validate(document)
assert not validator.is_valid({}), "the schema lets nonsense through"
PYTHON
}

expect 0 leaks
[ ! -s said ] || fail "nothing is left, and yet it spoke"

META_HOLD="$folder/up" "$program" --gtest_filter=ServingDaemonTest.IsHeldOpen >program 2>&1 &
owner=$!
while [ ! -e up ]; do kill -0 $owner || fail "the program has ended"; sleep 0.05; done
helpers=
for comm in /proc/[0-9]*/comm; do
  case $(cat "$comm" 2>/dev/null) in curfew-keeper | curfew-warden) pid=${comm#/proc/}; helpers="$helpers ${pid%/comm}" ;; esac
done
expect 0 leaks
expect 0 ps
says ServingDaemonTest.IsHeldOpen
expect 0 ps --json
cp said json; valid json
# Together, so that none of them can do the others' work.
kill -STOP $owner $helpers
kill -KILL $owner $helpers
wait $owner 2>/dev/null || true
gone() { for pid in $helpers; do [ ! -e /proc/"$pid"/exe ] || return 1; done; }
while ! gone; do sleep 0.05; done

# Of a dead run, at last; its directory counts only when it is not young any more.
expect 86 leaks
says 'is over, and has left:'
says double_fork_daemon
says ServingDaemonTest.IsHeldOpen
says ' old'
says 'port'
says 'curfew leaks --kill ends them'
expect 86 leaks --json
cp said json; valid json
orphan=$(python3 -c 'import json; print(json.load(open("json"))["runs"][0]["processes"][0]["process"]["pid"])')
[ -e /proc/"$orphan" ] || fail "it was only to be shown"

"$program" --gtest_filter=LeakTest.CleanBefore >said 2>&1 || fail "what another run has left is no failure"
says "an earlier run has left 1 process of run .*double_fork_daemon"

# What may stay does, whatever is killed beside it.
echo 'command:*double_fork_daemon* # shared by all of the machine' >curfew.supp
"$curfew" leaks --kill --suppressions curfew.supp >said 2>&1 || true # 86 for its directory alone, if that is not young any more
says 'exempted: shared by all of the machine'
for directory in curfew-*; do [ ! -d "$directory" ] || touch -d '1 hour ago' "$directory"; done
"$curfew" leaks --kill --suppressions curfew.supp >said 2>&1 || true
expect 0 leaks --kill --suppressions curfew.supp
[ -e /proc/"$orphan"/exe ] || fail "$orphan was to be left alone"
CURFEW_SUPPRESSIONS=curfew.supp "$curfew" leaks --kill --json >json || fail "by the variable it is killed"
[ -e /proc/"$orphan"/exe ] || fail "$orphan was to be left alone"
valid json

expect 86 leaks --kill
says "$orphan killed"
[ ! -e /proc/"$orphan"/exe ] || fail "$orphan is alive"
# The directory, now that it has been let go for long enough.
for directory in curfew-*; do [ ! -d "$directory" ] || touch -d '1 hour ago' "$directory"; done
"$curfew" leaks --kill >said 2>&1 || true
expect 0 leaks
[ ! -s said ] || fail "nothing is left, and yet it spoke"
expect 0 leaks --json
cp said json; valid json
"$program" --gtest_filter=LeakTest.CleanBefore >said 2>&1
if grep -q 'earlier run' said; then fail "nothing is left, and yet the program spoke"; fi
echo "curfew leaks does as it says"
