#!/bin/sh
# check_suite.sh CURFEW LEAKY_SUITE CTEST SOURCE: twenty leaking test programs, eight at a time, under `curfew run` with all
# formats at once; check_suite.py reads what was written. 77: python3 is missing.
set -eu
command -v python3 >/dev/null || { echo "SKIPPED: python3 is missing"; exit 77; }
curfew=$1 leaky=$2 ctest=$3 source=$4
unset CURFEW_MARK CURFEW_OWNER CURFEW_JOURNALS CURFEW_ARTIFACTS GITHUB_STEP_SUMMARY GITHUB_WORKSPACE
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir strays temporary
"$leaky" --gtest_list_tests | sed -n 's,^  Passes/\([A-Za-z]*\).*,\1,p' | while read -r kind; do
  echo "add_test($kind \"$leaky\" \"--gtest_filter=Kind/Leaky.Passes/$kind\")"
done >CTestTestfile.cmake
status=0
STRAYS=$folder/strays TMPDIR=$folder/temporary CURFEW_LEAKS=warn "$curfew" run --grace=200ms --resources=off --report r.json \
  --junit r.xml --html r.html --markdown r.md --trace r.trace --github -- "$ctest" --test-dir "$folder" -j8 >out 2>err || status=$?
[ "$status" = 86 ] || { echo "exit status $status instead of 86"; cat out err; exit 1; }
python3 "$source/tests/formats/check_suite.py" "$folder" "$folder/strays" "$source"
