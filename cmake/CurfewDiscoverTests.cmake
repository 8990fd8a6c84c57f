# curfew_discover_tests(target
#     [PER_SUITE | PER_TEST]       one ctest test for each suite, or for each test
#     [TIMEOUT seconds]            Curfew's deadline of each test (default: its own, 60 s)
#     [LABELS label...]
#     [PORTS number...]            fixed TCP ports its servers use: no two that name the same one run at once
#     [ARTIFACTS directory]        the journal of each ctest test goes to a directory of its own below this one
#     [PROCESSORS number]          of how many processors ctest is to count each
#     [TEST_PREFIX text] [WORKING_DIRECTORY directory] [DISCOVERY_TIMEOUT seconds] [EXTRA_ARGS argument...]
#     [PROPERTIES name value...]   more properties, which win over those set here
#     [NO_LEAK_TEST])
#
# Without PER_SUITE and PER_TEST: suites whose fixture is a SharedServerFixture run whole, since each process would
# start the server anew; all others test by test. What a typedef or a derived class of such a fixture is called
# differently from it cannot be told: say PER_SUITE there.
#
# The program is asked for its tests when it has been built. It runs none of them and starts no server then.
#
# ctest's own TIMEOUT is set above what Curfew's deadlines can add up to, and follows CURFEW_TIMEOUT_SCALE of the
# environment ctest runs in: it ends a program that Curfew cannot end. From CMake 3.27 it asks with SIGTERM first.
#
# Once per project a ctest test "curfew_nothing_is_left" is added, which ctest runs when all the others have
# ended (FIXTURES_CLEANUP): it fails if a process begun by any of them is alive. NO_LEAK_TEST leaves a target out. Tests
# that this function did not add are neither waited for nor looked at.

set(CURFEW_DISCOVER_TESTS_DIR "${CMAKE_CURRENT_LIST_DIR}" CACHE INTERNAL "Where Curfew's CMake scripts are")

function(curfew_discover_tests target)
  set(one TIMEOUT ARTIFACTS PROCESSORS TEST_PREFIX WORKING_DIRECTORY DISCOVERY_TIMEOUT)
  cmake_parse_arguments(PARSE_ARGV 1 arg "PER_SUITE;PER_TEST;NO_LEAK_TEST" "${one}" "LABELS;PORTS;EXTRA_ARGS;PROPERTIES")
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "curfew_discover_tests(${target}): "
      "not understood: ${arg_UNPARSED_ARGUMENTS}; without a value: ${arg_KEYWORDS_MISSING_VALUES}")
  endif()
  if(arg_PER_SUITE AND arg_PER_TEST)
    message(FATAL_ERROR "curfew_discover_tests(${target}): PER_SUITE or PER_TEST, not both")
  endif()
  foreach(number TIMEOUT PROCESSORS DISCOVERY_TIMEOUT)
    if(DEFINED arg_${number} AND NOT arg_${number} MATCHES "^[1-9][0-9]*$")
      message(FATAL_ERROR "curfew_discover_tests(${target}): ${number} is a whole number, not \"${arg_${number}}\"")
    endif()
  endforeach()
  foreach(port IN LISTS arg_PORTS)
    if(NOT port MATCHES "^[1-9][0-9]*$" OR port GREATER 65535)
      message(FATAL_ERROR "curfew_discover_tests(${target}): PORTS are 1 to 65535, not \"${port}\"")
    endif()
  endforeach()
  set(per auto)
  if(arg_PER_SUITE)
    set(per suite)
  elseif(arg_PER_TEST)
    set(per test)
  endif()
  if(NOT arg_WORKING_DIRECTORY)
    set(arg_WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  if(NOT arg_DISCOVERY_TIMEOUT)
    set(arg_DISCOVERY_TIMEOUT 60)
  endif()
  if(arg_ARTIFACTS)
    get_filename_component(arg_ARTIFACTS "${arg_ARTIFACTS}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  if(NOT arg_NO_LEAK_TEST)
    curfew_add_leak_test()
  endif()

  # A file of tests for each configuration; ctest reads the one of the configuration it runs.
  set(base "${CMAKE_CURRENT_BINARY_DIR}/${target}_curfew")
  get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  set(tests "${base}_tests.cmake")
  set(read "${base}_tests.cmake")
  if(multi_config)
    set(tests "${base}_tests-$<CONFIG>.cmake")
    set(read "${base}_tests-\${CTEST_CONFIGURATION_TYPE}.cmake")
  endif()
  add_custom_command(TARGET ${target} POST_BUILD
    BYPRODUCTS "${tests}"
    COMMAND "${CMAKE_COMMAND}"
      -D "program=$<TARGET_FILE:${target}>"
      -D "emulator=$<TARGET_PROPERTY:${target},CROSSCOMPILING_EMULATOR>"
      -D "output=${tests}"
      -D "per=${per}"
      -D "timeout=${arg_TIMEOUT}"
      -D "labels=${arg_LABELS}"
      -D "ports=${arg_PORTS}"
      -D "artifacts=${arg_ARTIFACTS}"
      -D "processors=${arg_PROCESSORS}"
      -D "prefix=${arg_TEST_PREFIX}"
      -D "directory=${arg_WORKING_DIRECTORY}"
      -D "patience=${arg_DISCOVERY_TIMEOUT}"
      -D "arguments=${arg_EXTRA_ARGS}"
      -D "properties=${arg_PROPERTIES}"
      -D "leak_test=$<NOT:$<BOOL:${arg_NO_LEAK_TEST}>>"
      -P "${CURFEW_DISCOVER_TESTS_DIR}/CurfewDiscoverTestsScript.cmake"
    VERBATIM)
  file(WRITE "${base}_include.cmake"
    "# Each ctest is a run of its own: what its tests begin carries this name. The variable is seen in every directory that\n"
    "# this ctest reads, and in no ctest that one of its tests runs.\n"
    "if(NOT curfew_ctest_run)\n"
    "  string(RANDOM LENGTH 20 curfew_ctest_run)\n"
    "  set(ENV{CURFEW_CTEST_RUN_TO_CHECK} \"\${curfew_ctest_run}\")\n"
    "endif()\n"
    "if(EXISTS \"${read}\")\n"
    "  include(\"${read}\")\n"
    "else()\n"
    "  add_test(${target}_NOT_BUILT ${target}_NOT_BUILT)\n"
    "endif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${base}_include.cmake")
endfunction()

# Adds the test of the whole run, once.
function(curfew_add_leak_test)
  get_property(added GLOBAL PROPERTY CURFEW_LEAK_TEST_ADDED)
  if(added)
    return()
  endif()
  set_property(GLOBAL PROPERTY CURFEW_LEAK_TEST_ADDED TRUE)
  add_test(NAME curfew_nothing_is_left COMMAND sh "${CURFEW_DISCOVER_TESTS_DIR}/what_is_left.sh")
  set_tests_properties(curfew_nothing_is_left PROPERTIES FIXTURES_CLEANUP curfew_run TIMEOUT 120)
endfunction()
