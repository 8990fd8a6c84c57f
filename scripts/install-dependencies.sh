#!/usr/bin/env bash
# Installs the Debian packages that are missing: what Curfew builds with, and the real servers its tests start.
# With --proofs also what all of examples/proofs needs, azurite by npm included; with --docs what the check of the API
# reference needs. Needs root, or sudo, only if something is missing.
set -euo pipefail

build=(g++ cmake ninja-build pkg-config ccache libboost1.81-dev libgtest-dev libgmock-dev
       nlohmann-json3-dev libre2-dev libssl-dev libcli11-dev libbenchmark-dev)
servers=(redis-server nginx-light memcached postgresql-15 python3 openssl procps util-linux)
clients=(libhiredis-dev libmemcached-dev libpqxx-dev) # of examples/proofs, whose install.sh has the rest
validators=(libxml2-utils python3-jsonschema) # of reports, against their schemas
proofs=()
docs=()
azurite=0
for option in "$@"; do
  case $option in
    --proofs)
      read -ra proofs <<<"$("$(dirname "$0")/../examples/proofs/install.sh" --list)"
      command -v azurite >/dev/null || azurite=1
      ;;
    --docs) docs=(doxygen) ;;
    *) echo "error: $option is neither --proofs nor --docs" >&2; exit 2 ;;
  esac
done

have_binary_of() { # a package may be there in another flavour: nginx-full instead of nginx-light
  case $1 in
    redis-server) command -v redis-server ;;
    nginx-light) command -v nginx || [ -x /usr/sbin/nginx ] ;;
    memcached) command -v memcached ;;
    npm) command -v npm ;;
    *) return 1 ;;
  esac >/dev/null 2>&1
}

missing=()
for package in "${build[@]}" "${servers[@]}" "${clients[@]}" "${validators[@]}" "${proofs[@]}" "${docs[@]}"; do
  dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' && continue
  have_binary_of "$package" && continue
  missing+=("$package")
done
as_root=()
if [ "$(id -u)" -ne 0 ] && [ $((${#missing[@]} + azurite)) -gt 0 ]; then
  command -v sudo >/dev/null || { echo "error: these packages are missing, and there is neither root nor sudo: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing: ${missing[*]}"
  # The packages would start their servers as services; tests start their own. policy-rc.d forbids it, for now.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
[ "$azurite" = 0 ] || "${as_root[@]}" npm install -g --no-audit --no-fund azurite
