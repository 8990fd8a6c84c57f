#!/usr/bin/env bash
# scripts/proofs-table.sh [--check]: the lines that each proof replaces (examples/proofs/before.tsv) beside those that
# stand in its place, counted now between the marks "---- fixture ----" and "---- end of fixture ----"; blank lines and
# comments count on both sides. Writes the table into examples/proofs/README.md; with --check it only compares.
set -euo pipefail
cd "$(dirname "$0")/../examples/proofs"

before_of() { awk -F'\t' -v proof="$1" -v project="$2" \
  '!/^#/ && $1 == proof && $2 == project {n += $6 - $5 + 1} END {print n}' before.tsv; }
after_of() { cat "$1"/*.cc "$1"/*.h 2>/dev/null | awk \
  '/^\/\/ ---- end of fixture ----/ {inside = 0} inside {n++} /^\/\/ ---- fixture ----/ {inside = 1} END {print n}'; }

table() {
  echo '| proof | instead of | lines before | lines after |'
  echo '| --- | --- | ---: | ---: |'
  local proof project commit files
  awk -F'\t' '!/^#/ && !seen[$1, $2]++ {print $1, $2, $3}' before.tsv | while read -r proof project commit; do
    files=$(awk -F'\t' -v proof="$proof" -v project="$project" '!/^#/ && $1 == proof && $2 == project' before.tsv | wc -l)
    printf '| [%s](%s) | %s @ %s, %d file%s | %d | %d |\n' "$proof" "$proof" "$project" "$commit" "$files" \
      "$([ "$files" -eq 1 ] || echo s)" "$(before_of "$proof" "$project")" "$(after_of "$proof")"
  done
}

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
table >"$fresh.table"
awk -v table="$fresh.table" '/^<!-- end of table/ {inside = 0}
  !inside {print}
  /^<!-- table/ {inside = 1; while ((getline line < table) > 0) print line}' README.md >"$fresh"
rm "$fresh.table"
if [ "${1:-}" = --check ]; then
  diff README.md "$fresh" || { echo "error: run scripts/proofs-table.sh" >&2; exit 1; }
else
  cat "$fresh" >README.md
fi
