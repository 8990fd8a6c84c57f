# Everything Curfew builds on. All of it is private to the library's sources except GoogleTest:
# the public headers include only the standard library and GoogleTest.

# CONFIG: Debian's runtime-only 1.74 packages carry no CMake files, and FindBoost is gone from 3.30 on.
find_package(Boost 1.81 CONFIG REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.9 REQUIRED)
find_package(GTest 1.12 REQUIRED)

# RE2's CMake file is not in Debian's package; its pkg-config file is.
find_package(PkgConfig REQUIRED)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)

add_library(curfew_boost INTERFACE)
target_link_libraries(curfew_boost INTERFACE Boost::headers Threads::Threads)
# Boost.Process v2 is header-only up to 1.85 and a compiled library from 1.86 on.
if(Boost_VERSION VERSION_GREATER_EQUAL 1.86)
  find_package(Boost 1.86 CONFIG REQUIRED COMPONENTS process)
  target_link_libraries(curfew_boost INTERFACE Boost::process)
endif()
