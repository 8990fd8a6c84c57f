#!/usr/bin/env bash
# scripts/check-consumers.sh: everything about being used from outside, in the flavours that the normal test run has no
# time for. Builds the optimised library twice (the Debian package, and shared libraries), and against each of them one
# suite in every flavour of tests/downstream/flavours, with GCC and with Clang; then the quickstart, the cost of the
# headers, and the ctest label `downstream` of the preset dev. Each prefix is moved before it is used.
set -euo pipefail
cd "$(dirname "$0")/.."
package=$(scripts/package.sh | tail -1)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
fi
compilers=(c++)
if command -v clang++ >/dev/null; then compilers+=(clang++); else echo "NOT CHECKED: clang++ is not installed"; fi

dpkg-deb --extract "$package" "$scratch/deb"
mv "$scratch/deb/usr" "$scratch/static"
cmake --preset release -B build/package-shared -DBUILD_TESTING=OFF -DBUILD_SHARED_LIBS=ON -DCURFEW_GRPC=OFF "${launcher[@]}" >"$scratch/log"
cmake --build build/package-shared >>"$scratch/log" || { tail -40 "$scratch/log"; exit 1; }
cmake --install build/package-shared --prefix "$scratch/installed" >>"$scratch/log"
mv "$scratch/installed" "$scratch/shared"

wrong=0
for library in static shared; do
  for compiler in "${compilers[@]}"; do
    echo "== flavours of a suite by $compiler against the $library library"
    build=$scratch/$library-$compiler
    if cmake -S tests/downstream/flavours -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Debug \
         -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DCMAKE_PREFIX_PATH="$scratch/$library" "${launcher[@]}" >"$scratch/log" 2>&1 &&
       cmake --build "$build" >>"$scratch/log" 2>&1; then
      grep 'NOT CHECKED' "$scratch/log" || true
      ctest --test-dir "$build" -j4 --output-on-failure --no-tests=error || wrong=$((wrong + 1))
    else
      tail -40 "$scratch/log"
      wrong=$((wrong + 1))
    fi
  done
done
scripts/check-quickstart.sh "$package" || wrong=$((wrong + 1))
scripts/include-cost.sh "$scratch/static/include" || wrong=$((wrong + 1))
scripts/build.sh dev
ctest --test-dir build/dev -L downstream --output-on-failure || wrong=$((wrong + 1))
echo "$wrong wrong"
[ "$wrong" -eq 0 ]
