#!/usr/bin/env bash
# scripts/check-bazel.sh: builds a suite against BUILD.bazel by Bazel, without a network, and runs it by `bazel test`, in
# Bazel's sandbox and sharded. The libraries that MODULE.bazel takes from the registry are Debian's here, so MODULE.bazel
# itself is not checked. Exit code 77: there is no bazel (Debian: bazel-bootstrap, bazel-platforms, bazel-rules-java,
# bazel-rules-proto, bazel-skylib).
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
debian=/usr/share/bazel
command -v bazel >/dev/null && [ -d $debian/rules/java ] || { echo "NOT CHECKED: bazel, or its rules, are not installed"; exit 77; }
scratch=$(mktemp -d)
# Bazel takes write permission from what it has made.
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT

repository() { # NAME, with its BUILD file on stdin
  mkdir -p "$scratch/$1"
  echo "workspace(name = '$1')" >"$scratch/$1/WORKSPACE"
  cat >"$scratch/$1/BUILD"
  overrides+=("--override_repository=$1=$scratch/$1")
}
# system_library REPOSITORY TARGET [LINK-OPTION...]: headers in /usr/include, which the compiler finds by itself.
system_library() {
  local repository=$1 target=$2 options
  shift 2
  options=$(printf "'%s', " "$@")
  [ $# -gt 0 ] || options=
  repository "$repository" <<<"cc_library(name = '$target', linkopts = [$options], visibility = ['//visibility:public'])"
}

overrides=(--override_repository=rules_java=$debian/rules/java --override_repository=rules_proto=$debian/rules/proto
           --override_repository=platforms=$debian/tools/platforms --override_repository=bazel_skylib=$debian/tools/skylib)
# Bazel 4 has the rules built in, and Debian's rules_cc wants a later Bazel.
repository rules_cc <<<''
mkdir "$scratch/rules_cc/cc"
echo 'exports_files(["defs.bzl"])' >"$scratch/rules_cc/cc/BUILD"
for rule in cc_library cc_binary cc_test cc_import cc_toolchain cc_toolchain_suite; do
  echo "$rule = native.$rule"
done >"$scratch/rules_cc/cc/defs.bzl"
repository remote_coverage_tools <<<"sh_binary(name = 'coverage_report_generator', srcs = ['none.sh'], visibility = ['//visibility:public'])"
printf '#!/bin/sh\n' >"$scratch/remote_coverage_tools/none.sh"
chmod +x "$scratch/remote_coverage_tools/none.sh"
system_library googletest gtest -lgmock -lgtest
system_library nlohmann_json json
system_library re2 re2 -lre2
for part in asio beast process; do system_library boost.$part boost.$part; done
overrides+=("--override_repository=curfew=$root")

mkdir "$scratch/suite"
cp tests/downstream/kv_test.cc "$scratch/suite"
echo "workspace(name = 'suite')" >"$scratch/suite/WORKSPACE"
cat >"$scratch/suite/BUILD" <<'BUILD_FILE'
cc_test(
    name = "kv_test",
    srcs = ["kv_test.cc"],
    copts = ["-std=c++20"],
    deps = ["@curfew//:main", "@curfew//:servers"],
)
cc_test(
    name = "shards",
    srcs = ["kv_test.cc"],
    copts = ["-std=c++20"],
    shard_count = 2,
    deps = ["@curfew//:main", "@curfew//:servers"],
)
BUILD_FILE
cd "$scratch/suite"
bazel=(bazel --batch --output_user_root="$scratch/output")
"${bazel[@]}" test --test_output=errors --noshow_progress "${overrides[@]}" //...
kept=$(find -L bazel-testlogs/kv_test/test.outputs -type f | wc -l)
[ "$kept" -gt 0 ] || { echo "error: no journal is among the undeclared outputs" >&2; exit 1; }
echo "built and run by $(bazel --version 2>/dev/null), $kept files kept"
