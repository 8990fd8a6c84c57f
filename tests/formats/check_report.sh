#!/bin/sh
# check_report.sh CURFEW CORPUS: `curfew report` as CI calls it, on journals of a killed run, of one cut short, of one that
# ended, and on a JSON report.
set -eu
curfew=$1 corpus=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
expect() { # expect STATUS ARGS...: runs it, its words into the file "said"
  wanted=$1; shift
  status=0
  "$curfew" "$@" >said 2>complaints || status=$?
  if [ "$status" != "$wanted" ]; then
    echo "curfew $*: status $status instead of $wanted"; cat said complaints; exit 1
  fi
}
says() { grep -q -- "$1" "$2" || { echo "$2 lacks: $1"; cat "$2"; exit 1; }; }

expect 0 report "$corpus/killed.jsonl"
says 'TIMED OUT  Kv.Pings' said
says 'not run  Kv.Never' said
[ "$(tr -cd '\033' <said | wc -c)" = 0 ] || { echo "colour where there is no terminal"; exit 1; }

expect 0 report "$corpus" --json all.json --junit all.xml --html all.html --markdown all.md --trace all.trace
[ ! -s said ] || { echo "text beside the formats that were asked for"; cat said; exit 1; }
expect 0 report "$corpus/cut.jsonl"
says 'ends in the middle of a line' said
expect 0 report "$corpus" # beside the whole one it says nothing of the one that was cut
says 'Kv.Pings' said
if grep -q 'ends in the middle of a line' said; then echo "damage of a copy that is not used"; exit 1; fi
mkdir -p odd
cp "$corpus/killed.jsonl" odd/-x.jsonl
(cd odd && "$curfew" report -- -x.jsonl >../said) || { echo "what stands behind -- is dropped"; exit 1; }
says 'Kv.Pings' said
for file in all.json all.xml all.html all.md all.trace; do [ -s $file ] || { echo "$file is missing"; exit 1; }; done

# Shards: the same run by its journal, cut, and by a report that has been made of it, is one.
expect 0 report "$corpus/cut.jsonl" all.json "$corpus/killed.jsonl" --json merged.json
says 'it is told once' complaints
[ "$(grep -c '"id": "abc"' merged.json)" = 1 ] || { echo "run abc is told more than once"; exit 1; }

GITHUB_STEP_SUMMARY=$folder/summary.md expect 0 report "$corpus/killed.jsonl" --github
says '^::error ' said
says '### Curfew' summary.md

expect 1 report "$corpus/killed.jsonl" missing.jsonl
says 'ENOENT' complaints
says 'Kv.Pings' said
head -c 5000 /dev/urandom >noise
expect 1 report noise
expect 2 report
expect 2 report --frobnicate "$corpus/killed.jsonl"
# A directory without journals, a file that may not be read, a directory where a file was meant.
mkdir -p none kept
expect 1 report none
says 'holds no journal' complaints
expect 1 report "$corpus/killed.jsonl" --json kept
says 'failed to write kept' complaints
says 'Kv.Pings' said # the report goes to the terminal instead
expect 1 report "$corpus/killed.jsonl" --json /dev/full
says 'ENOSPC' complaints
says 'Kv.Pings' said
expect 1 report "$corpus/killed.jsonl" --json /proc/nowhere/r.json --junit kept/r.xml
[ -s kept/r.xml ] || { echo "one that cannot be written keeps the others from it"; exit 1; }
status=0
"$curfew" report "$corpus/killed.jsonl" >/dev/full 2>complaints || status=$?
[ "$status" = 1 ] || { echo "a full disk behind standard output: status $status"; exit 1; }
status=0
{ "$curfew" report "$corpus/killed.jsonl" 2>complaints; echo $? >status; } | true
"$curfew" report "$corpus/killed.jsonl" >&- 2>complaints || status=$?
[ "$status" = 1 ] || { echo "a closed standard output: status $status"; exit 1; }

# Every truncation is used up to its last whole line, or says that it holds no run: never another end.
size=$(wc -c <"$corpus/killed.jsonl")
step=$((size / 60 + 1))
at=0
while [ "$at" -le "$size" ]; do
  head -c "$at" "$corpus/killed.jsonl" >part.jsonl
  status=0
  "$curfew" report part.jsonl --json part.json >said 2>complaints || status=$?
  [ "$status" = 0 ] || [ "$status" = 1 ] || { echo "the first $at bytes: status $status"; cat complaints; exit 1; }
  at=$((at + step))
done
echo "curfew report does as it says"
