# cmake -DSOURCE=directory -DOUTPUT=page_parts.cc -P embed_page.cmake
# The page's sources as one C++ file: no tool but CMake, so that a build needs neither node nor network.
function(embed function)
  set(hex "")
  foreach(file IN LISTS ARGN)
    file(READ "${SOURCE}/${file}" bytes HEX)
    string(APPEND hex "${bytes}")
  endforeach()
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," array "${hex}")
  string(APPEND text "constexpr unsigned char k${function}[] = {${array}};\n")
  string(APPEND functions "std::string_view ${function}() { return {reinterpret_cast<const char*>(k${function}), sizeof k${function}}; }\n")
  set(text "${text}" PARENT_SCOPE)
  set(functions "${functions}" PARENT_SCOPE)
endfunction()

embed(PageHtml page.html)
embed(PageStyle page.css)
embed(PageScript rows.js details.js timeline.js main.js)
file(WRITE "${OUTPUT}" "// Generated from harness/report/page.
#include \"report/page_parts.h\"

namespace curfew::report {
namespace {
${text}
}  // namespace

${functions}
}  // namespace curfew::report
")
