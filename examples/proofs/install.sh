#!/usr/bin/env bash
# Installs what the proofs need and is not there: client libraries and servers from Debian, azurite from npm. As root.
# With --libraries only what makes them build; with --list only the names of the Debian packages are printed.
set -euo pipefail
packages=(pkg-config libhiredis-dev libmemcached-dev libmariadb-dev libpqxx-dev libcpp-httplib-dev libssl-dev)
[ "${1:-}" = --libraries ] || packages+=(redis-server memcached mariadb-server postgresql-15 nginx-light squid npm)
if [ "${1:-}" = --list ]; then
  echo "${packages[@]}"
  exit
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${packages[@]}"
[ "${1:-}" = --libraries ] || npm install -g --no-audit --no-fund azurite
