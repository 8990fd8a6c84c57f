#!/usr/bin/env bash
# scripts/include-cost.sh INCLUDE_DIR [COMPILER]: what including the public headers costs, against gtest.h alone:
# lines after preprocessing, and the best of five times of a compiler that only reads them.
set -euo pipefail
include=$1
compiler=${2:-c++}
unit=$(mktemp --suffix=.cc)
trap 'rm -f "$unit"' EXIT

measure() { # measure NAME LINE...: prints one row, sets lines and best
  local name=$1 begin end
  shift
  printf '%s\n' "$@" >"$unit"
  lines=$("$compiler" -std=c++20 -E -P -I"$include" "$unit" | wc -l)
  best=999999
  for _ in 1 2 3 4 5; do
    begin=$(date +%s%N)
    "$compiler" -std=c++20 -fsyntax-only -I"$include" "$unit"
    end=$(date +%s%N)
    if [ $(((end - begin) / 1000000)) -lt $best ]; then best=$(((end - begin) / 1000000)); fi
  done
  [ -n "${base_lines:-}" ] || { base_lines=$lines; base_best=$best; }
  printf '%-34s %8d lines %3d %%   %6d ms %3d %%\n' "$name" "$lines" $((100 * lines / base_lines)) "$best" \
    $((100 * best / base_best))
}
measure "gtest/gtest.h" '#include <gtest/gtest.h>'
measure "gtest/gtest.h, gmock/gmock.h" '#include <gtest/gtest.h>' '#include <gmock/gmock.h>'
measure "curfew/harness.h" '#include <curfew/harness.h>'
measure "curfew/servers.h" '#include <curfew/servers.h>'
measure "curfew/fixture.h" '#include <curfew/fixture.h>'
measure "curfew/curfew.h (has gmock.h)" '#include <curfew/curfew.h>'
