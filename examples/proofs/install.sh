#!/usr/bin/env bash
# Installs what the proofs need and is not there: client libraries and servers from Debian, azurite from npm.
# With --libraries only what makes them build.
set -euo pipefail
packages=(pkg-config libhiredis-dev libmemcached-dev libmariadb-dev libpqxx-dev libcpp-httplib-dev libssl-dev)
[ "${1:-}" = --libraries ] || packages+=(redis-server memcached mariadb-server postgresql nginx-light squid npm)
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${packages[@]}"
[ "${1:-}" = --libraries ] || npm install -g --no-audit --no-fund azurite
