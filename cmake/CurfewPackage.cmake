# CPack: the Debian package. scripts/package.sh builds it as it should be shipped.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libcurfew-dev)
set(CPACK_PACKAGE_VENDOR "The Curfew authors")
set(CPACK_PACKAGE_CONTACT "The Curfew authors <maintainers@curfew.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "GoogleTest fixtures that launch real servers")
set(CPACK_PACKAGE_DESCRIPTION
"Launches the real server under test, waits until it truly is ready, and makes
sure that nothing outlives the test: however the test program ends, the server
and everything below it are stopped and collected.
.
This package has the libraries, the headers, the CMake package, and the helper
programs that the test programs start.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON) # of the helper programs
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libgtest-dev (>= 1.12), libgmock-dev (>= 1.12), libre2-dev")
if(CURFEW_TLS)
  string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", libssl-dev (>= 3.0)")
endif()
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cmake (>= 3.25), pkg-config")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS # whatever the umask
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/packaging/debian/add_docs.cmake")
include(CPack)
