#!/usr/bin/env bash
# scripts/build-docs.sh [DIRECTORY]: the guide and the API reference as a static site (default build/docs), which needs no
# network and no web server: open index.html. Warnings are errors, and every link and anchor is followed.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-build/docs}
packages=(doxygen python3-sphinx furo python3-myst-parser python3-breathe)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  echo "installing: ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

scripts/docs/snippets.py
scripts/docs/texts.py
rm -rf "$out"
mkdir -p "$out"
xml=$(mktemp -d)
trap 'rm -rf "$xml"' EXIT
(cat docs/api/Doxyfile && echo "OUTPUT_DIRECTORY = $xml") | doxygen -
CURFEW_DOXYGEN_XML=$xml/xml sphinx-build -q -W --keep-going -b html -d "$xml/doctrees" docs "$out"
# Debian's furo asks a web server for normalize.css, and has lost the rule by which it follows a dark system: its dark
# colours stand there for the button alone.
theme=$out/_static/styles/furo.css
sed -i '/^@import url(\/javascript/d' "$theme"
if ! grep -q 'prefers-color-scheme: dark' "$theme"; then
  { echo '@media not print { @media (prefers-color-scheme: dark) {'
    sed -n '/^ *body\[data-theme="dark"\] {/,/}/p' "$theme" | sed 's/body\[data-theme="dark"\]/body:not([data-theme="light"])/; s/} }$/}/'
    echo '} }'; } >>"$out/_static/curfew.css"
fi
scripts/docs/links.py "$out"
echo "$(realpath "$out")/index.html"
