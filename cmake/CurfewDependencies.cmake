# Everything Curfew builds on. All of it is private to the library's sources except GoogleTest:
# the public headers include only the standard library and GoogleTest.

# Used from another project, our targets are linked in directories that are not below this one.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE)

include("${CMAKE_CURRENT_LIST_DIR}/CurfewLinkDependencies.cmake")
if(curfew_missing)
  message(FATAL_ERROR "Curfew needs ${curfew_missing}scripts/install-dependencies.sh installs it on Debian")
endif()

# CONFIG: Debian's runtime-only 1.74 packages carry no CMake files, and FindBoost is gone from 3.30 on.
find_package(Boost 1.81 CONFIG REQUIRED)
find_package(nlohmann_json 3.9 REQUIRED)
# Headers only, for the command alone, which is left out without them.
find_package(CLI11 2.1 CONFIG QUIET)

# A project that brings a GoogleTest of its own (FetchContent, add_subdirectory) decides which one it is.
if(NOT TARGET GTest::gmock)
  find_package(GTest 1.12 REQUIRED)
endif()

# For Ready::Https alone, so it may be absent; 3.0 for SSL_get1_peer_certificate.
find_package(OpenSSL 3.0)
option(CURFEW_TLS "Ready::Https, by OpenSSL" ${OPENSSL_FOUND})
if(CURFEW_TLS)
  find_package(OpenSSL 3.0 REQUIRED)
endif()

add_library(curfew_boost INTERFACE)
target_link_libraries(curfew_boost INTERFACE Boost::headers Threads::Threads)
# Boost.Process v2 is header-only up to 1.85 and a compiled library from 1.86 on.
if(Boost_VERSION VERSION_GREATER_EQUAL 1.86)
  find_package(Boost 1.86 CONFIG REQUIRED COMPONENTS process)
  target_link_libraries(curfew_boost INTERFACE Boost::process)
endif()
