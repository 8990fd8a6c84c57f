# -D build=... -D prefix=...: installs into one place and moves it to another, so that whatever is found later is
# found without the path it was installed to.
file(REMOVE_RECURSE "${prefix}" "${prefix}.at_first")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${build}" --prefix "${prefix}.at_first"
                COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${prefix}.at_first" "${prefix}")
