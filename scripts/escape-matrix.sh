#!/usr/bin/env bash
# The escape matrix: every way a test program can end, against every way a server can escape. Prints it as a table and
# ends with 0 if nothing survived, no stranger was harmed and nothing else went wrong.
#
#   scripts/escape-matrix.sh [VARIANT...] [OPTION...]
#
# Variants (default: as this user, with whatever containment there is):
#   --basic      containment by cgroup forced off
#   --user       as an unprivileged user (needs root to become one)
#   --userns     inside a user and PID namespace of an unprivileged user, without cgroup write
#   --hidepid    as an unprivileged user who is shown no other user's processes (/proc with hidepid=2)
#   --all        as it comes, and each of these in turn
# Options:
#   --repeat N          run it N times; a cell shows the worst
#   --load              with both cores kept busy
#   --jobs N            cells at the same time (default: twice the cores)
#   --rows A,B  --columns A,B
#   --off MECHANISMS    switch mechanisms off (subreaper,tag,mark,pidfd,group,sweep): must show survivors
#   --preset P          the build to use (default: dev, with ASan and UBSan)
#   --left-out          print the cells that make no sense, and why
#   --reuse             the proof that no reused pid is signalled, with 100,000 reuses
set -uo pipefail
cd "$(dirname "$0")/.."

preset=dev
repeat=1
jobs=$(($(nproc) * 2))
load=0
variants=()
choice=()
only=
off=
while [ $# -gt 0 ]; do
  case $1 in
    --basic | --user | --userns | --hidepid) variants+=("${1#--}") ;;
    --all) variants=(plain basic user userns hidepid) ;;
    --repeat) repeat=$2 && shift ;;
    --load) load=1 ;;
    --jobs) jobs=$2 && shift ;;
    --rows | --columns) choice+=("$1" "$2") && shift ;;
    --off) off=$2 && shift ;;
    --preset) preset=$2 && shift ;;
    --left-out | --reuse) only=$1 ;;
    *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2 && exit 2 ;;
  esac
  shift
done
[ ${#variants[@]} -gt 0 ] || variants=(plain)

scripts/build.sh "$preset" escape_matrix reuse_test curfew-keeper curfew-warden || exit 1
programs=$PWD/build/$preset/tests/escape
matrix=$programs/escape_matrix
case $only in
  --left-out) exec "$matrix" --left-out ;;
  --reuse) CURFEW_PID_REUSES=100000 exec "$programs/reuse_test" ;;
esac

work=$(mktemp -d)
chmod 1777 "$work"
mkdir -m 1777 "$work/tmp" "$work/findings"
busy=()
shards=()
finish() {
  [ ${#busy[@]} -eq 0 ] || kill "${busy[@]}" 2>/dev/null
  [ ${#shards[@]} -eq 0 ] || kill "${shards[@]}" 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

export TMPDIR=$work/tmp
# A sanitizer's finding in a helper process has no stderr to appear on.
export ASAN_OPTIONS=log_path=$work/findings/asan:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=log_path=$work/findings/ubsan:print_stacktrace=1:${UBSAN_OPTIONS:-}
[ -z "$off" ] || export ESCAPE_OFF=$off ESCAPE_PATIENCE=3

if [ "$load" = 1 ]; then
  for _ in $(seq "$(nproc)"); do
    timeout 6h sh -c 'while :; do :; done' &
    busy+=($!)
  done
fi

user=(setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all)
[ "$(id -u)" = 0 ] || user=()

# In the variant's surroundings.
within() {
  local variant=$1
  shift
  case $variant in
    plain) exec "$@" ;;
    basic) ESCAPE_CONTAINMENT=basic exec "$@" ;;
    user) exec "${user[@]}" "$@" ;;
    # The first process of the namespace is a shell, which collects orphans as an init does.
    userns) exec "${user[@]}" unshare --user --map-root-user --pid --fork --mount-proc sh -c '"$@"; exit $?' sh "$@" ;;
    # Mounted anew: options of a remount would hold for the whole machine.
    hidepid) exec unshare --mount --propagation private sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' sh "${user[@]}" "$@" ;;
  esac
}

result=0
for variant in "${variants[@]}"; do
  echo "== escape matrix, $variant${off:+, without $off}$([ "$load" = 1 ] && echo ', under load'), $repeat x =="
  mkdir -m 1777 "$work/$variant"
  began=$SECONDS
  for ((round = 1; round <= repeat; ++round)); do
    shards=()
    for ((i = 0; i < jobs; ++i)); do
      (within "$variant" timeout 3h "$matrix" --cells --shard "$i/$jobs" --log "$work/$variant/log.$round.$i" "${choice[@]}") \
        >"$work/$variant/cells.$round.$i" 2>"$work/$variant/errors.$round.$i" &
      shards+=($!)
    done
    for pid in "${shards[@]}"; do
      wait "$pid" || { echo "a part of the matrix did not end well" >&2 && result=1; }
    done
    shards=()
    cat "$work/$variant"/errors."$round".* | head -40 >&2
  done
  "$matrix" --table "$work/$variant"/cells.* || result=1
  echo "$((SECONDS - began)) s"
  cat "$work/$variant"/log.* | grep -v ' skipped: ' | head -200
  cat "$work/$variant"/log.* | sed -n 's/.*\.\([A-Za-z0-9]* skipped: .*\)/\1/p' | sort | uniq -c
done
if [ -n "$(ls -A "$work/findings")" ]; then
  echo "sanitizer findings:" >&2
  head -60 "$work/findings"/* >&2
  result=1
fi
exit $result
