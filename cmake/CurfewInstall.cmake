# What `cmake --install` puts where, and the packages made of it. Everything is relative to the prefix, which may be
# moved afterwards.
include(CMakePackageConfigHelpers)

set(curfew_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/curfew")

# An export set for each part that can be had alone: the harness needs no GoogleTest.
install(TARGETS curfew_harness EXPORT curfewHarness)
install(EXPORT curfewHarness NAMESPACE curfew:: DESTINATION "${curfew_cmake_dir}")
install(TARGETS curfew_servers EXPORT curfewServers)
install(EXPORT curfewServers NAMESPACE curfew:: DESTINATION "${curfew_cmake_dir}")
if(TARGET curfew_grpc)
  install(TARGETS curfew_grpc EXPORT curfewGrpc)
  install(EXPORT curfewGrpc NAMESPACE curfew:: DESTINATION "${curfew_cmake_dir}")
  install(TARGETS curfew-grpc-health DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/curfew")
endif()
install(TARGETS curfew_fixtures curfew_main EXPORT curfewFixtures)
install(EXPORT curfewFixtures NAMESPACE curfew:: DESTINATION "${curfew_cmake_dir}")

install(DIRECTORY harness/include/curfew fixtures/include/curfew DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.h")

# The helper programs stand beside each other and find each other there.
install(TARGETS curfew-keeper curfew-warden curfew-relay DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/curfew")
# The command.
if(TARGET curfew)
  install(TARGETS curfew DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(FILES packaging/man/curfew.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
endif()

# The compiled fixtures fit the GoogleTest they were compiled with.
set(curfew_gtest_version "${GTest_VERSION}")
if(BUILD_SHARED_LIBS)
  set(curfew_shared ON)
else()
  set(curfew_shared OFF)
endif()
set(curfew_boost_process OFF)
if(Boost_VERSION VERSION_GREATER_EQUAL 1.86)
  set(curfew_boost_process ON)
endif()
set(curfew_tls OFF)
if(CURFEW_TLS)
  set(curfew_tls ON)
endif()
set(curfew_libexec_dir "${CMAKE_INSTALL_LIBEXECDIR}/curfew")
configure_package_config_file(cmake/curfewConfig.cmake.in "${PROJECT_BINARY_DIR}/package/curfewConfig.cmake"
  INSTALL_DESTINATION "${curfew_cmake_dir}" PATH_VARS curfew_libexec_dir)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/curfewConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion) # before 1.0 a minor version may break
install(FILES
  "${PROJECT_BINARY_DIR}/package/curfewConfig.cmake"
  "${PROJECT_BINARY_DIR}/package/curfewConfigVersion.cmake"
  cmake/CurfewLinkDependencies.cmake
  cmake/CurfewDiscoverTests.cmake
  cmake/CurfewDiscoverTestsScript.cmake
  cmake/what_is_left.sh
  cmake/keeper_program.cc.in
  DESTINATION "${curfew_cmake_dir}")

# pkg-config: relative to the file's own place, so that a moved prefix holds, too.
file(RELATIVE_PATH curfew_pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" curfew_pc_prefix "${curfew_pc_prefix}")
set(curfew_pc_libraries "")
if(NOT BUILD_SHARED_LIBS)
  set(curfew_pc_requires "re2")
  if(CURFEW_TLS)
    string(APPEND curfew_pc_requires ", openssl >= 3.0")
  endif()
  set(curfew_pc_libraries "-pthread")
endif()
foreach(module curfew-harness curfew-servers curfew-fixtures curfew-main)
  configure_file("packaging/pkgconfig/${module}.pc.in" "${PROJECT_BINARY_DIR}/package/${module}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/package/${module}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endforeach()

include(CurfewPackage)
