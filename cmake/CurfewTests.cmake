include(GoogleTest)

# curfew_test(NAME SOURCES file... LABEL unit|integration|escape|meta|docs
#             [LIBS library...] [SERVERS sample...] [TIMEOUT seconds] [OWN_MAIN])
# One GoogleTest program, each of its tests a CTest test named "<label>/Suite.Test".
#   LIBS     what it links besides GoogleTest; with curfew::main, or OWN_MAIN, GoogleTest's main stays out
#   SERVERS  the sample servers it starts: they are built first, and are to be found in the directory that
#            the macro CURFEW_SAMPLE_DIR names
#   TIMEOUT  CTest's, the outer one: it must leave Curfew's own the time to act first. Default 60
function(curfew_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "OWN_MAIN" "LABEL;TIMEOUT" "SOURCES;LIBS;SERVERS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "curfew_test(${name}): no SOURCES, or a word too many: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_LABEL MATCHES "^(unit|integration|escape|meta|docs)$")
    message(FATAL_ERROR "curfew_test(${name}): LABEL is unit, integration, escape, meta or docs, not '${arg_LABEL}'")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()

  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} curfew_options)
  if(arg_OWN_MAIN OR "curfew::main" IN_LIST arg_LIBS)
    target_link_libraries(${name} PRIVATE GTest::gmock)
  else()
    target_link_libraries(${name} PRIVATE GTest::gmock GTest::gtest_main)
  endif()
  if(arg_SERVERS)
    add_dependencies(${name} ${arg_SERVERS})
    target_compile_definitions(${name} PRIVATE
      CURFEW_SAMPLE_DIR="${PROJECT_BINARY_DIR}/sample_servers")
  endif()
  gtest_discover_tests(${name}
    TEST_PREFIX "${arg_LABEL}/"
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()
