"""check_suite.py FOLDER STRAYS SOURCE: the reports r.* of a run of leaky_suite_ in FOLDER: every format names every process
that STRAYS tells of, with its test, and no other; and each is what its readers take.

Uses python3-jsonschema and xmllint where they are there; says what was not checked where they are not.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

folder, strays_folder, source = sys.argv[1:4]


def path(name):
    return os.path.join(folder, name)


def text(name):
    with open(path(name), encoding="utf-8") as f:  # strict: a byte that is no UTF-8 ends the check
        return f.read()


strays = {}
for name in os.listdir(strays_folder):
    with open(os.path.join(strays_folder, name), encoding="ascii") as f:
        for line in f:
            strays[int(line)] = name.replace("+", "/")
assert len(strays) == 26 and len(set(strays.values())) == 20, strays


def clean(where, what):
    wild = re.search(r"[\x00-\x08\x0b-\x1f\x7f]", what)
    assert wild is None, f"{where}: a raw control character at {wild.start()}: {what[max(0, wild.start() - 40):wild.start() + 40]!r}"


def same(where, told):
    missing = {pid: test for pid, test in strays.items() if told.get(pid) != test}
    assert not missing, f"{where}: not told, or of another test: {missing}; told: { {p: told.get(p) for p in missing} }"
    strangers = set(told) - set(strays)
    assert not strangers, f"{where}: strangers: {strangers}"
    print(f"{where}: all {len(strays)} processes of 20 tests")


def blocks(what):
    """Of the text that every human format quotes: pid to test."""
    told = {}
    pid = None
    for line in what.splitlines():
        if found := re.search(r"leaked process (\d+):", line):
            pid = int(found[1])
        if (found := re.search(r"begun by +.* in (\S+)", line)) and pid is not None:
            told[pid] = found[1]
    return told


# JSON, and the schema it is published with.
report = json.loads(text("r.json"))
told = {}
for run in report["runs"]:
    for leak in run["leaks"]:
        told[leak["process"]["pid"]] = leak["test"]
same("JSON", told)
assert report["summary"]["leaks"] == len(strays) and not report["summary"]["clean"]
clean("JSON", text("r.json"))
try:
    import jsonschema

    with open(os.path.join(source, "docs/report.schema.json"), encoding="utf-8") as f:
        jsonschema.Draft202012Validator(json.load(f)).validate(report)
    print("JSON: validates")
except ImportError:
    print("NOT CHECKED: JSON against its schema (python3-jsonschema is missing)")

# JUnit: a failed case of every guilty test.
tree = ET.parse(path("r.xml"))
told = {}
for case in tree.iter("testcase"):
    for failure in case.iter("failure"):
        for pid, test in blocks(failure.text).items():
            assert case.get("name") == f"leaks of {test}" or f"{case.get('classname')}.{case.get('name')}" == test, case.attrib
            told[pid] = test
same("JUnit", told)
if shutil.which("xmllint"):
    subprocess.run(["xmllint", "--noout", "--schema", os.path.join(source, "tests/unit/report/junit.xsd"), path("r.xml")], check=True)
else:
    print("NOT CHECKED: JUnit XML against its schema (xmllint is missing)")

# Workflow commands: one line each, with the test in the title.
told = {}
for line in text("out").splitlines():
    if not line.startswith("::"):
        continue
    assert re.match(r"::(error|warning) ([^:]|%3A)*::", line), line
    message = re.sub(r"%([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), line)
    for pid, test in blocks(message).items():
        assert test in line.split("::")[1].replace("%2C", ","), line
        told[pid] = test
same("GitHub", told)

# Markdown: below the details of its test; inside a fence that nothing of a command line closes.
told = {}
for part in text("r.md").split("<details>")[1:]:
    fence = re.search(r"^(`{3,}|~{3,})", part, re.M)
    assert fence and part.count("\n" + fence[1]) == 2, part
    for pid, test in blocks(part).items():
        assert f"leaked by {test}</summary>" in part, part
        told[pid] = test
same("Markdown", told)
clean("Markdown", text("r.md"))

# Trace events.
told = {}
events = json.loads(text("r.trace"))
for event in events["traceEvents"]:
    assert event["ph"] in "XMibe" and isinstance(event["pid"], int), event
    if "leak" in event.get("cat", ""):
        told[event["args"]["pid"]] = event["args"]["test"]
same("trace", told)

# The page: the report as it is, between the tags of a script, which nothing in it ends.
page = text("r.html")
data = re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.S)
told = {}
for run in json.loads(data[1])["runs"]:
    for leak in run["leaks"]:
        told[leak["process"]["pid"]] = leak["test"]
same("page", told)
assert "http://" not in page.replace("http://www.w3.org/", "") and "https://" not in page, "the page asks the network"
clean("page", page)

# What people read meanwhile.
told = blocks(text("err"))
same("text", told)
clean("text", text("err"))
