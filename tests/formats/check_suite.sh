#!/bin/sh
# check_suite.sh CURFEW LEAKY_SUITE CTEST SOURCE: twenty leaking test programs, eight at a time, under `curfew run` with all
# formats at once; check_suite.py reads what was written. Then as many clean ones: 0, and nothing to read. 77: python3 is missing.
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

# The same suite without its leaks.
i=0
while [ "$i" -lt 20 ]; do
  echo "add_test(clean$i \"$leaky\" \"--gtest_filter=Clean.*\")"
  i=$((i + 1))
done >CTestTestfile.cmake
rm -f r.* err
status=0
STRAYS=$folder/strays TMPDIR=$folder/temporary "$curfew" run --resources=off --report r.json --junit r.xml --html r.html \
  --markdown r.md --trace r.trace --github -- "$ctest" --test-dir "$folder" -j8 >out 2>err || status=$?
[ "$status" = 0 ] || { echo "clean: exit status $status instead of 0"; cat out err; exit 1; }
python3 - <<'PYTHON'
import json, re
import xml.etree.ElementTree as ET

def text(name):
    with open(name, encoding="utf-8") as f:
        return f.read()

report = json.loads(text("r.json"))
assert report["summary"]["clean"] and report["summary"]["leaks"] == 0 and not report["damage"], report["summary"]
assert [run["ended"] for run in report["runs"] if run.get("is_command")] == ["exited with status 0"], report["runs"]
assert not any(run["leaks"] or run.get("troubles") or run.get("resources") for run in report["runs"])
suites = ET.parse("r.xml").getroot()
assert suites.get("failures") == suites.get("errors") == "0"
assert any(case.get("name") == "the command" and not len(case) for case in suites.iter("testcase"))
assert "20 tests passed" in re.sub(r"100% tests passed, 0 tests failed out of 20", "20 tests passed", text("out"))
assert "::error" not in text("out") and "::warning" not in text("out"), text("out")
assert "❌" not in text("r.md") and "⚠" not in text("r.md"), text("r.md")
assert not [event for event in json.loads(text("r.trace"))["traceEvents"] if event.get("cat") == "leak"]
data = re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', text("r.html"), re.S)
assert json.loads(data[1])["summary"]["clean"]
assert text("err") == "", text("err")
print("clean suite: 0, and nothing in any format")
PYTHON
