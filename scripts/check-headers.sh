#!/usr/bin/env bash
# scripts/check-headers.sh INCLUDE_DIR [COMPILER]: each public header compiles alone, and brings in nothing but the
# standard library, the C library, the kernel's headers and GoogleTest.
set -uo pipefail
include=$1
compiler=${2:-c++}
allowed="^($include/curfew/|/usr/(local/)?include/(c\+\+|gtest|gmock|sys|bits|gnu|asm|asm-generic|linux|[a-z0-9_]+-linux-gnu[a-z0-9]*)/|/usr/(local/)?include/[a-z_0-9-]+\.h$|/usr/lib/(gcc|llvm[-0-9]*|clang)|/usr/local/lib/(gcc|clang))"
wrong=0
checked=0
unit=$(mktemp --suffix=.cc)
trap 'rm -f "$unit" "$unit.d"' EXIT
for header in "$include"/curfew/*.h; do
  name=curfew/${header##*/}
  # Twice: the include guard is part of compiling alone.
  printf '#include <%s>\n#include <%s>\n' "$name" "$name" >"$unit"
  if ! "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -MD -MF "$unit.d" -I"$include" "$unit"; then
    echo "NOT ALONE: <$name> does not compile by itself"
    wrong=$((wrong + 1))
    continue
  fi
  foreign=$(tr -d '\\' <"$unit.d" | tr ' ' '\n' | grep '^/' | grep -v "^$unit" |
            xargs realpath -m | grep -vE "$allowed" | sort -u)
  if [ -n "$foreign" ]; then
    printf 'NOT STANDARD: <%s> brings in\n%s\n' "$name" "$foreign"
    wrong=$((wrong + 1))
  fi
  checked=$((checked + 1))
done
echo "$checked headers checked, $wrong wrong"
[ "$wrong" -eq 0 ] && [ "$checked" -gt 0 ]
