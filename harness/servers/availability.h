// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <curfew/spec.h>

namespace curfew::servers {

// A server as its package knows it.
struct Product {
  std::string name;     // "redis": of CURFEW_REQUIRE, and in capitals of CURFEW_EXTERNAL_REDIS
  std::string program;  // "redis-server"
  std::string package;  // how to get it: "apt install redis-server"
  std::string version_flag = "--version";
  std::vector<std::string> directories = {};  // where it is besides PATH and the sbin directories
};

// The absolute path of the product's program, which is there and not older than `minimum_version`.
// Throws Unavailable, or StartError where CURFEW_REQUIRE asks for it.
[[nodiscard]] std::string Require(const Product& product, const std::string& minimum_version);
// Another program that comes with it, in the same way.
[[nodiscard]] std::string RequireCompanion(const Product& product, const std::string& program);

// The spec of the relay, if CURFEW_EXTERNAL_NAME names a server to use instead of launching one.
// Throws StartError for a value that is no host:port.
[[nodiscard]] std::optional<ServerSpec> External(const std::string& name);

// A list of names separated by commas has this one, or "all". Blanks and case do not matter.
[[nodiscard]] bool Lists(const std::string& list, const std::string& name);

}  // namespace curfew::servers
