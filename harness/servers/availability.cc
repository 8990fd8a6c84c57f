// SPDX-License-Identifier: Apache-2.0
#include "servers/availability.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#include <curfew/start_error.h>
#include <curfew/unavailable.h>

#include "server/executable.h"
#include "servers/version.h"

namespace curfew::servers {
namespace {

std::string Capitals(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

[[noreturn]] void Refuse(const Product& product, const std::string& why) {
  if (Lists(Variable("CURFEW_REQUIRE"), product.name)) {
    throw StartError(StartError::kCouldNotLaunch,
                     "failed to start server " + product.name + ": " + why + ", and CURFEW_REQUIRE asks for it",
                     {.error_number = ENOENT});
  }
  throw Unavailable("NOT TESTED: " + why + "\n  try         " + product.package + ", or CURFEW_EXTERNAL_" +
                    Capitals(product.name) +
                    "=host:port to use one that runs elsewhere\n  CI          CURFEW_REQUIRE=" + product.name +
                    " makes a failure of this");
}

// Debian keeps servers in /usr/sbin, which is not in everybody's PATH.
std::string SearchPath(const Product& product) {
  std::string path = Variable("PATH");
  for (const auto& directory : product.directories) path += ":" + directory;
  return path + ":/usr/sbin:/sbin:/usr/local/sbin";
}

std::string Find(const Product& product, const std::string& program) {
  const auto search = server::FindExecutable(program, SearchPath(product));
  if (!search.path.empty()) return search.path;
  Refuse(product, program + " is not installed here");
}

}  // namespace

bool Lists(const std::string& list, const std::string& name) {
  std::istringstream names(list);
  for (std::string one; std::getline(names, one, ',');) {
    std::erase_if(one, [](unsigned char c) { return std::isspace(c) != 0; });
    if (Capitals(one) == "ALL" || Capitals(one) == Capitals(name)) return true;
  }
  return false;
}

std::string Require(const Product& product, const std::string& minimum_version) {
  auto path = Find(product, product.program);
  if (minimum_version.empty()) return path;
  const auto version = VersionOf(path, product.version_flag);
  if (!version.found.empty() && !IsOlder(version.found, minimum_version)) return path;
  Refuse(product, path + (version.found.empty() ? " does not tell its version (" + version.problem + ")"
                                                : " is version " + version.found) +
                      "; wanted is " + minimum_version + " or later");
}

std::string RequireCompanion(const Product& product, const std::string& program) { return Find(product, program); }

}  // namespace curfew::servers
