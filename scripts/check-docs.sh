#!/usr/bin/env bash
# scripts/check-docs.sh: the documentation against the sources. Snippets and texts; and, where Doxygen is installed, that
# no public name is without a comment. Exit code 77: all that could be checked is right, and Doxygen is missing.
set -uo pipefail
cd "$(dirname "$0")/.."
result=0
scripts/docs/snippets.py || result=1
scripts/docs/texts.py || result=1
if ! command -v doxygen >/dev/null; then
  echo "NOT CHECKED: public names without a comment; doxygen is not installed (apt-get install doxygen)"
  exit $((result == 0 ? 77 : result))
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if (cat docs/api/Doxyfile && echo "OUTPUT_DIRECTORY = $scratch") | doxygen - >"$scratch/log" 2>&1; then
  echo "$(grep -l '<compounddef' "$scratch"/xml/*.xml | wc -l) parts of the API reference, each public name has a comment"
else
  sed "s|^$PWD/||" "$scratch/log"
  result=1
fi
exit $result
