# One CMake target per box of docs/architecture.md, so that a forbidden use fails to link.

# Warnings and sanitizers go on targets, never on global flags: a consumer's build stays the consumer's.
add_library(curfew_options INTERFACE)
target_compile_features(curfew_options INTERFACE cxx_std_20)
target_compile_options(curfew_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
# GCC 12 sees overlaps in assignments to std::string that cannot be (gcc PR105651, mended in 13).
target_compile_options(curfew_options INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
if(CURFEW_DEVELOPER)
  target_compile_options(curfew_options INTERFACE -Werror)
endif()
if(CURFEW_SANITIZE)
  # Asio's fences are not understood by TSan; GCC says so at each (they are beside locks that are).
  target_compile_options(curfew_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  target_compile_options(curfew_options INTERFACE
    -fsanitize=${CURFEW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # The vptr check asks the kernel, by a descriptor of its own, whether memory is readable; with none left it
  # reports nonsense. It is the costliest to compile, too.
  if(CURFEW_SANITIZE MATCHES "undefined")
    target_compile_options(curfew_options INTERFACE -fno-sanitize=vptr)
  endif()
  target_link_options(curfew_options INTERFACE -fsanitize=${CURFEW_SANITIZE})
endif()

# curfew_box(NAME SOURCES ... [PUBLIC other boxes] [PRIVATE libraries])
# A box's headers are included as "box/header.h", its public ones as <curfew/header.h>.
function(curfew_box name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(curfew_${name} STATIC ${arg_SOURCES})
  target_compile_features(curfew_${name} PUBLIC cxx_std_20)
  target_include_directories(curfew_${name} PUBLIC
    "${PROJECT_SOURCE_DIR}/harness/include" "${PROJECT_SOURCE_DIR}/harness")
  target_link_libraries(curfew_${name} PUBLIC ${arg_PUBLIC} PRIVATE curfew_options ${arg_PRIVATE})
  set_target_properties(curfew_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CURFEW_BOX TRUE)
endfunction()

# curfew_boxes_below(BOX boxes libraries): the box with every box it uses, and what these link from elsewhere.
# Read off the targets, so that a new box or a new dependency is named once, where it is used.
function(curfew_boxes_below box boxes_out libraries_out)
  set(todo ${box})
  set(seen "")
  set(boxes "")
  set(libraries "")
  while(todo)
    list(POP_FRONT todo item)
    if(item IN_LIST seen OR item STREQUAL "curfew_options")
      continue()
    endif()
    list(APPEND seen "${item}")
    if(NOT TARGET "${item}")
      list(APPEND libraries "${item}")
      continue()
    endif()
    get_target_property(is_box ${item} CURFEW_BOX)
    get_target_property(type ${item} TYPE)
    if(is_box)
      list(APPEND boxes ${item})
      get_target_property(links ${item} LINK_LIBRARIES)
    elseif(type STREQUAL "INTERFACE_LIBRARY" AND NOT item MATCHES "^curfew::")
      get_target_property(links ${item} INTERFACE_LINK_LIBRARIES) # headers only, if it has none
    else()
      list(APPEND libraries ${item})
      set(links "")
    endif()
    if(links)
      list(APPEND todo ${links})
    endif()
  endwhile()
  set(${boxes_out} ${boxes} PARENT_SCOPE)
  set(${libraries_out} ${libraries} PARENT_SCOPE)
endfunction()

# curfew_hide_others(LIBRARY): a shared library shows what is Curfew's and hides the rest: the Boost compiled into
# it must not meet another Boost in the program that loads it.
function(curfew_hide_others library)
  get_target_property(type ${library} TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    set(script "${PROJECT_SOURCE_DIR}/cmake/exports.map")
    target_link_options(${library} PRIVATE "LINKER:--version-script=${script}")
    set_target_properties(${library} PROPERTIES LINK_DEPENDS "${script}"
      VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  endif()
endfunction()
