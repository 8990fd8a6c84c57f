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
# The flags of the preset release: what is shipped is what was tested, and ccache knows it.
cmake --preset release -B build/package -DBUILD_TESTING=OFF -DCURFEW_GRPC=OFF -DCMAKE_INSTALL_PREFIX=/usr \
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
