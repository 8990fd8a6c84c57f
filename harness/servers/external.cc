// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include <curfew/start_error.h>

#include "server/keeper_program.h"
#include "servers/availability.h"

namespace curfew::servers {
namespace {

// "host:port" or "[::1]:port": where the last colon is, with something on both sides of it.
bool IsAddress(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size() || text.size() - colon > 6) return false;
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

// "[::1]" is a host to a URL, "::1" to a resolver.
std::string Host(const std::string& address) {
  auto host = address.substr(0, address.rfind(':'));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return host;
}

}  // namespace

std::optional<ServerSpec> External(const std::string& name) {
  std::string variable = "CURFEW_EXTERNAL_" + name;
  std::ranges::transform(variable, variable.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const char* address = std::getenv(variable.c_str());
  if (address == nullptr || *address == '\0') return std::nullopt;
  if (!IsAddress(address)) {
    throw StartError(StartError::kBadSpec,
                     "failed to use an external " + name + ": " + variable + " is host:port, not \"" + address + "\"",
                     {});
  }
  const auto keeper = server::FindKeeperProgram();
  const auto relay = std::filesystem::path(keeper.path).parent_path() / "curfew-relay";
  const std::string target = address;
  return ServerSpec{
      .name = name + " at " + target,
      .command = {relay.string(), "{host}", "{port}", Host(target), target.substr(target.rfind(':') + 1)}};
}

}  // namespace curfew::servers
