#!/usr/bin/env bash
# commands.sh CURFEW COOKBOOK_TEST SUPPRESSIONS: runs what the guide shows of the command line, in a directory of its own.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/bin" "$scratch/build" "$scratch/artifacts"
ln -s "$1" "$scratch/bin/curfew"
ln -s "$2" "$scratch/kv_test"
cp "$3" "$scratch/suppressions.txt"
cd "$scratch"
export PATH=$scratch/bin:$PATH
# The program's path, and not the link's: the keeper stands where the build says.
for test in Kv.Pings Cache.Stores; do
  echo "add_test($test $scratch/kv_test --gtest_filter=$test)" >>build/CTestTestfile.cmake
done
cat >integration_tests.py <<'PYTHON'
#!/usr/bin/env python3
print("passed")
PYTHON
chmod +x integration_tests.py

# [run]
curfew run -- ctest --test-dir build -j8
curfew run --timeout=10m --leaks=warn -- ./integration_tests.py
curfew run --suppressions=suppressions.txt --exempt=ssh-agent,ccache -- ./integration_tests.py
# [/run]

# Shows only: what other tests of this machine are running is nobody's business here.
curfew_of_this_script() { [ "$*" = "leaks --kill" ] || command curfew "$@" >/dev/null || [ $? -eq 86 ]; }
shown=$(sed -n '/^# \[leaks\]$/,/^# \[\/leaks\]$/p' "$0" | grep ^curfew | sed 's/ *#.*//')
if false; then
# [leaks]
curfew leaks         # shows what runs that are over have left on this machine; exit code 86 if there is anything
curfew leaks --kill  # ends it, by identity
curfew ps            # runs that are going on, as trees
# [/leaks]
fi
while read -r _ words; do
  # shellcheck disable=SC2086 # words are to be parted
  curfew_of_this_script $words
done <<<"$shown"

# [ci]
curfew run --junit=junit.xml --html=report.html --report=report.json -- ctest --test-dir build -j8
curfew report report.json --markdown summary.md
# [/ci]

# [merge]
CURFEW_ARTIFACTS=artifacts ./kv_test --gtest_filter='Kv.*' --curfew_keep=always   # on each machine: journals and logs
curfew report artifacts --html=all.html --junit=all.xml                           # then one report of all
# [/merge]

for file in junit.xml report.html report.json summary.md all.html all.xml; do
  [ -s "$file" ] || { echo "error: no $file" >&2; exit 1; }
done
grep -q 'name="Pings"' all.xml || { echo "error: no Pings in all.xml" >&2; exit 1; }
ls -d artifacts/*/*/*.log >/dev/null
echo "all commands of the guide did what they say"
