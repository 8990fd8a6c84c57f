# What curfew_discover_tests has made of shapes_test.cc, and how it runs.
function(expect what is should)
  if(NOT "${is}" STREQUAL "${should}")
    message(SEND_ERROR "${what}\n  is     ${is}\n  should ${should}")
  endif()
endfunction()

if(EXISTS "${build}/started")
  message(FATAL_ERROR "a server was started while the tests were listed")
endif()

execute_process(COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${build}" --show-only=json-v1
                OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
string(JSON count LENGTH "${listing}" tests)
math(EXPR last "${count} - 1")
set(names "")
foreach(i RANGE ${last})
  string(JSON name GET "${listing}" tests ${i} name)
  list(APPEND names "${name}")
  string(JSON count_of_properties LENGTH "${listing}" tests ${i} properties)
  math(EXPR last_property "${count_of_properties} - 1")
  foreach(j RANGE ${last_property})
    string(JSON property GET "${listing}" tests ${i} properties ${j} name)
    string(JSON value GET "${listing}" tests ${i} properties ${j} value)
    string(REGEX REPLACE "[][\" \n]" "" value "${value}")
    set("${name}.P.${property}" "${value}")
  endforeach()
endforeach()

list(SORT names)
set(shared "Odd/SharedParam;Shared;SharedTyped/0;SharedTyped/1")
set(each_param "Odd/SharedParam.Runs/0;Odd/SharedParam.Runs/1;Odd/SharedParam.Runs/2")
set(singles "Absent.IsSkipped;Own.One;Plain.DISABLED_NotYet;Plain.Passes;Stray.IsLeftBehind")
set(should "curfew_nothing_is_left")
foreach(name IN LISTS shared singles)
  list(APPEND should "auto/${name}")
endforeach()
foreach(name IN LISTS each_param singles)
  list(APPEND should "each/${name}")
endforeach()
list(APPEND should each/Shared.One each/Shared.Two each/Shared.DISABLED_Three each/SharedTyped/0.Runs each/SharedTyped/1.Runs)
foreach(name Odd/SharedParam Shared SharedTyped/0 SharedTyped/1 Absent Own Plain Stray)
  list(APPEND should "whole/${name}")
endforeach()
list(SORT should)
expect("the tests" "${names}" "${should}")

# Above the deadlines: two tests of 60 s, or one of 7 s, and a minute.
expect("TIMEOUT of a suite" "${auto/Shared.P.TIMEOUT}" "180.0")
expect("TIMEOUT of a test" "${each/Own.One.P.TIMEOUT}" "67.0")
expect("LABELS" "${each/Own.One.P.LABELS}" "net,slow")
expect("RESOURCE_LOCK" "${each/Own.One.P.RESOURCE_LOCK}" "curfew_port_11211,curfew_port_6379")
expect("PROCESSORS" "${each/Own.One.P.PROCESSORS}" "2")
expect("COST" "${each/Own.One.P.COST}" "3.0")
expect("DISABLED" "${each/Shared.DISABLED_Three.P.DISABLED}" "ON")
expect("DISABLED of a suite" "${auto/Shared.P.DISABLED}" "")
expect("FIXTURES_REQUIRED" "${auto/Own.One.P.FIXTURES_REQUIRED}" "curfew_run")
expect("FIXTURES_REQUIRED with NO_LEAK_TEST" "${each/Own.One.P.FIXTURES_REQUIRED}" "")

# They run; what was skipped is shown as skipped; what was asked to be kept is kept.
execute_process(COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${build}" --output-on-failure -j4
                OUTPUT_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(SEND_ERROR "ctest: ${result}\n${output}")
endif()
foreach(line "auto/Absent.IsSkipped \\.+\\*+Skipped" "whole/Absent \\.+\\*+Skipped" "curfew_nothing_is_left \\.+ +Passed")
  if(NOT output MATCHES "${line}")
    message(SEND_ERROR "no line \"${line}\" in\n${output}")
  endif()
endforeach()
file(GLOB journals "${build}/kept/each_Own.One/*.jsonl")
if(NOT journals)
  message(SEND_ERROR "no journal in ${build}/kept")
endif()
if(NOT EXISTS "${build}/started")
  message(SEND_ERROR "no server was started by the tests")
endif()

# The outer time-out follows the scale of the environment ctest runs in.
execute_process(COMMAND "${CMAKE_COMMAND}" -E env CURFEW_TIMEOUT_SCALE=4
                "${CMAKE_CTEST_COMMAND}" --test-dir "${build}" -R "^each/Plain.Passes$" --show-only=json-v1
                OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
if(NOT listing MATCHES "335.0")
  message(SEND_ERROR "CURFEW_TIMEOUT_SCALE=4 does not lengthen TIMEOUT to 5 * 67\n${listing}")
endif()

# A process that the tests left behind fails the whole run, by name.
execute_process(COMMAND "${CMAKE_COMMAND}" -E env LEAVE_A_STRAY=1 CURFEW_LEAKS=off
                "${CMAKE_CTEST_COMMAND}" --test-dir "${build}" --output-on-failure -R "^auto/Stray"
                OUTPUT_VARIABLE output RESULT_VARIABLE result)
if(result EQUAL 0 OR NOT output MATCHES "process [0-9]+: sleep 40")
  message(SEND_ERROR "a stray was not found\n${output}")
endif()
