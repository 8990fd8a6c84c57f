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
says 'ends in the middle of a line' said
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
echo "curfew report does as it says"
