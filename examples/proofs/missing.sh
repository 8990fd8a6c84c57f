# missing.sh PROOF LIBRARIES SERVERS: what ctest runs in place of a proof whose client library is not installed.
# Semicolons between several, as CMake has them. Skipped (77), or failed where CURFEW_REQUIRE asks for its servers.
echo "NOT TESTED: proof $1 needs $2, which pkg-config does not know"
echo "  try         examples/proofs/install.sh, and configure again"
required=",$(printf %s "${CURFEW_REQUIRE:-}" | tr 'A-Z' 'a-z' | tr -d ' '),"
for server in all $(printf %s "$3" | tr ';' ' '); do
  case $required in
    *",$server,"*)
      echo "  and         CURFEW_REQUIRE asks for $server"
      exit 1
      ;;
  esac
done
exit 77
