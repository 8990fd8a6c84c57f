# What the compiled libraries link, and nothing else. Read by Curfew's own build, and by its installed package
# for whoever links it statically: a library that a box links is found here and nowhere else.
# What only headers are needed of (Boost, nlohmann-json) is in CurfewDependencies.cmake and ends with the build.
#
# Sets curfew_missing: empty, or what was not found and how to get it.
set(curfew_missing "")

# The targets are needed wherever Curfew's are, and those are seen in every directory (add_subdirectory).
set(curfew_targets_global_before "${CMAKE_FIND_PACKAGE_TARGETS_GLOBAL}")
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE)

if(NOT TARGET Threads::Threads)
  find_package(Threads QUIET)
  if(NOT TARGET Threads::Threads)
    string(APPEND curfew_missing "threads (enable C or CXX before); ")
  endif()
endif()

# RE2's CMake file is not in Debian's package; its pkg-config file is.
if(NOT TARGET curfew::re2)
  find_package(re2 CONFIG QUIET)
  if(TARGET re2::re2)
    set(curfew_re2 re2::re2)
  else()
    find_package(PkgConfig QUIET)
    if(PKG_CONFIG_FOUND)
      pkg_check_modules(curfew_re2 QUIET IMPORTED_TARGET GLOBAL re2)
    endif()
    set(curfew_re2 PkgConfig::curfew_re2)
  endif()
  if(TARGET ${curfew_re2})
    add_library(curfew::re2 INTERFACE IMPORTED GLOBAL)
    target_link_libraries(curfew::re2 INTERFACE ${curfew_re2})
  else()
    string(APPEND curfew_missing "RE2 (Debian: libre2-dev and pkg-config; else a CMake package named re2); ")
  endif()
endif()

set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL "${curfew_targets_global_before}")
