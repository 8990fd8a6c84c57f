# Run by ctest, as `sh what_is_left.sh`, when all tests have ended: fails if a process that one of them began is alive.
# Such a process has the name of the ctest run in its environment, which curfew_discover_tests has put there. What has
# cleared its environment is not seen here; the test program itself has looked for that by other means. The name comes
# under another variable than theirs: every test has that one, be it still running and none of ours.
[ -n "$CURFEW_CTEST_RUN_TO_CHECK" ] || { echo "CURFEW_CTEST_RUN_TO_CHECK is not set: run this by ctest" >&2; exit 2; }
name=CURFEW_CTEST_RUN=$CURFEW_CTEST_RUN_TO_CHECK

# Sets `left`. The listing shows its own processes, too; they are gone when it is read.
look() {
  left=''
  for file in $(grep -lzxF "$name" /proc/[0-9]*/environ 2>/dev/null); do
    pid=${file#/proc/}
    pid=${pid%/environ}
    grep -qzxF "$name" "$file" 2>/dev/null || continue
    left="$left$(printf '\n  process %s: %s' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)")"
  done
}
# Who has been told to end need not have ended yet: two seconds, or a minute while keepers are still at work.
attempt=0
while look; [ -n "$left" ]; do
  attempt=$((attempt + 1))
  case $left in
    *curfew-keeper* | *curfew-warden*) limit=300 ;;
    *) limit=10 ;;
  esac
  if [ $attempt -ge $limit ]; then
    echo "left over from the tests of this ctest run:$left"
    exit 1
  fi
  sleep 0.2
done
echo "nothing is left"
