# -D source=... -D build=... -D "options=-DA=b;..." [-D fresh=ON] [-D after=script.cmake]
# Configures and builds a project that uses Curfew, as its owner would, and runs its tests.
# `fresh`: nothing is left of the last time. `after` is run instead of ctest.
if(fresh)
  file(REMOVE_RECURSE "${build}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${build}" -G Ninja ${options}
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${build}" COMMAND_ERROR_IS_FATAL ANY)
if(after)
  include("${after}")
  return()
endif()
execute_process(COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${build}" --output-on-failure --no-tests=error -j4
                COMMAND_ERROR_IS_FATAL ANY)
