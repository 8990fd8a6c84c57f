#!/usr/bin/env bash
# scripts/package.sh [CMAKE OPTION...]: builds the Debian package as it should be shipped (optimised, no sanitizers),
# into build/package, and looks at it with lintian where that is installed. Prints the path of the package last.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-dependencies.sh >&2
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
fi
cmake -S . -B build/package -G Ninja -DCMAKE_BUILD_TYPE=Release -DCURFEW_DEVELOPER=OFF -DCMAKE_INSTALL_PREFIX=/usr \
  -DCURFEW_GRPC=OFF \
  "${launcher[@]}" "$@" >&2
cmake --build build/package >&2
rm -f build/package/*.deb
(cd build/package && umask 022 && cpack -G DEB) >&2
package=$(ls build/package/*.deb)
if command -v lintian >/dev/null; then
  lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs --allow-root "$package" >&2
else
  echo "NOT CHECKED: lintian is not installed" >&2
fi
echo "$PWD/$package"
