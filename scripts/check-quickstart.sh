#!/usr/bin/env bash
# scripts/check-quickstart.sh [PACKAGE.deb]: does examples/quickstart what the README promises? Unpacks the Debian
# package into a clean prefix, copies the example out of the tree, builds it against that, and runs it under ctest.
# Without PACKAGE.deb it is built first.
set -euo pipefail
cd "$(dirname "$0")/.."
package=${1:-$(scripts/package.sh | tail -1)}
[ -f "$package" ] || { echo "error: no package $package" >&2; exit 1; }
package=$(realpath "$package")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cp -r examples/quickstart "$scratch/quickstart"
dpkg-deb --extract "$package" "$scratch/root"
echo "package: $(basename "$package"), $(du -sh "$scratch/root" | cut -f1) unpacked"
echo "example: $(wc -l <"$scratch/quickstart/CMakeLists.txt") lines of CMake, $(wc -l <"$scratch/quickstart/quickstart_test.cc") of C++"

# What is in the tree must not be found by accident.
cd "$scratch"
began=$SECONDS
env -u CURFEW_KEEPER_PROGRAM cmake -S quickstart -B build -G Ninja -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_PREFIX_PATH="$scratch/root/usr" >configure.log 2>&1 || { cat configure.log; exit 1; }
cmake --build build >build.log 2>&1 || { cat build.log; exit 1; }
echo "configured and built in $((SECONDS - began)) s"
env -u CURFEW_KEEPER_PROGRAM ctest --test-dir build --output-on-failure --no-tests=error
! grep -aq "$OLDPWD" build/quickstart_test || { echo "error: the program knows the source tree" >&2; exit 1; }
