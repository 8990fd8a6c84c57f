// SPDX-License-Identifier: Apache-2.0
#include "server/taken_address.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

namespace curfew::server {
namespace {

constexpr std::uint64_t kMostOutput = 256U << 10U;

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string Ports(const PreparedServer& server) {
  std::string text;
  for (const auto& [name, number] : server.address().ports) {
    text += (text.empty() ? "{port" : ", {port") + (name.empty() ? "" : ":" + name) + "} = " + std::to_string(number);
  }
  return text;
}

// Whoever of others is to be seen on a port that the server was to have; empty if there is nobody.
std::string FindOther(const PreparedServer& server, readiness::ListenerTable& listeners) {
  for (const auto& [name, number] : server.address().ports) {
    const auto sockets = listeners.On(number);
    if (!sockets.ok() || !sockets.value().empty()) return server.DescribeOther(name, false);
    if (!server.MeansUdp(name)) continue;
    if (std::string holder = server.DescribeOther(name, true); !holder.empty()) return holder;
  }
  return "";
}

}  // namespace

bool SaysAddressInUse(const std::filesystem::path& log, std::uint64_t offset) {
  std::ifstream in(log, std::ios::binary | std::ios::ate);
  if (!in) return false;
  const auto size = static_cast<std::uint64_t>(in.tellg());
  const std::uint64_t begin = offset <= size ? offset : 0;  // the server has emptied it
  in.seekg(static_cast<std::streamoff>(std::max(begin, size > kMostOutput ? size - kMostOutput : 0)));
  std::string text(kMostOutput, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  text = Lower(std::move(text));
  // "Address already in use" is strerror's, Go's, Java's and Rust's; "Port 80 is already in use" that of frameworks.
  constexpr std::array<std::string_view, 3> kWords = {"already in use", "eaddrinuse", "address in use"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

std::optional<TakenAddress> FindTakenAddress(const PreparedServer& server, const FailedStart& failed,
                                             std::uint64_t log_offset, readiness::ListenerTable& listeners) {
  if (failed.reason != StartError::kPortTaken && failed.reason != StartError::kDiedEarly) return std::nullopt;
  if (!failed.outcome || server.address().ports.empty()) return std::nullopt;
  const std::string& seen = failed.outcome->taken;
  if (!seen.empty()) return TakenAddress{.why = Ports(server) + ": " + seen};
  if (!SaysAddressInUse(server.log().path(), log_offset)) return std::nullopt;
  const std::string other = FindOther(server, listeners);
  if (!other.empty()) return TakenAddress{.why = Ports(server) + ": it died of an address in use; " + other};
  if (server.PortsAreLeftToServer()) {
    return TakenAddress{.why = Ports(server) + ": it died of an address in use, and nobody was seen there any more"};
  }
  return TakenAddress{.why = Ports(server) +
                             ": it died of an address in use, and only Curfew's reservation is there: it sets neither "
                             "SO_REUSEADDR nor SO_REUSEPORT, so its ports are released just before it is launched",
                      .our_reservation = true};
}

}  // namespace curfew::server
