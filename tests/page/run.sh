#!/bin/sh
# run.sh WRITE_FORMATS: 77 if the browser or its driver is missing.
cd "$(dirname "$0")"
command -v node >/dev/null || { echo "SKIPPED: node is missing"; exit 77; }
[ -d node_modules/playwright-core ] || { echo "SKIPPED: playwright-core is missing; run npm ci in tests/page"; exit 77; }
for browser in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
  [ -n "$browser" ] && command -v "$browser" >/dev/null && break
  browser=
done
[ -n "$browser" ] || { echo "SKIPPED: chromium is missing"; exit 77; }
exec node page_test.mjs "$1" "$(command -v "$browser")"
