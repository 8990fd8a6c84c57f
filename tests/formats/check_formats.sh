#!/bin/sh
# check_formats.sh WRITE_FORMATS SOURCE: the XML against its schema by xmllint, the JSON against its own by
# python3-jsonschema. 77: a tool is missing, and what it would have checked is not.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$1" "$directory"
missing=0
if command -v xmllint >/dev/null; then
  for kind in plain command wild empty; do
    xmllint --noout --schema "$2/tests/unit/report/junit.xsd" "$directory/$kind.xml"
  done
else
  echo "NOT CHECKED: JUnit XML (xmllint is missing: apt-get install libxml2-utils)"
  missing=77
fi
if python3 -c 'import jsonschema' 2>/dev/null; then
  for kind in plain command wild empty; do
    python3 - "$2/docs/report.schema.json" "$directory/$kind.json" <<'PYTHON'
import json, sys
import jsonschema
with open(sys.argv[1], encoding="utf-8") as f: schema = json.load(f)
with open(sys.argv[2], encoding="utf-8") as f: report = json.load(f)
validator = jsonschema.Draft202012Validator(schema)
jsonschema.Draft202012Validator.check_schema(schema)
validator.validate(report)
# A schema that let everything through would have passed as well.
for spoil in (lambda r: r.pop("runs"), lambda r: r.update(version=2), lambda r: r["summary"].update(leaks=-1)):
    spoiled = json.loads(json.dumps(report))
    spoil(spoiled)
    assert not validator.is_valid(spoiled), "the schema lets nonsense through"
PYTHON
    echo "$kind.json validates"
  done
else
  echo "NOT CHECKED: JSON (python3-jsonschema is missing: apt-get install python3-jsonschema)"
  missing=77
fi
exit $missing
