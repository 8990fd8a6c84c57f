# Run by CPack over the files it is about to package: what only a Debian package has.
set(docs "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/libcurfew-dev")
file(MAKE_DIRECTORY "${docs}")
file(COPY "${CMAKE_CURRENT_LIST_DIR}/copyright" DESTINATION "${docs}"
     FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
set(PROJECT_VERSION "${CPACK_PACKAGE_VERSION}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/changelog.in" "${docs}/changelog.Debian" @ONLY)
execute_process(COMMAND gzip -9nf "${docs}/changelog.Debian" COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE archives "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*.a")
foreach(archive IN LISTS archives)
  execute_process(COMMAND strip --strip-debug --enable-deterministic-archives "${archive}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
