// SPDX-License-Identifier: Apache-2.0
#include "readiness/validate.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "readiness/pattern.h"
#include "readiness/text.h"
#include "readiness/unix_probe.h"

namespace curfew::readiness {
namespace {

using Problem = std::optional<std::string>;

const char* Name(Ready::Kind kind) {
  switch (kind) {
    case Ready::Kind::kTcp:
      return "Tcp";
    case Ready::Kind::kHttp:
      return "Http";
    case Ready::Kind::kUnix:
      return "Unix";
    case Ready::Kind::kLog:
      return "Log";
    case Ready::Kind::kFile:
      return "File";
    case Ready::Kind::kWhen:
      return "When";
    case Ready::Kind::kAll:
      return "All";
    case Ready::Kind::kAny:
      return "Any";
  }
  return "?";
}

// `ready: Ready::Log("(") `: what a problem's text begins with.
std::string Title(const Ready& ready) {
  const bool has_subject = ready.parts().empty() && ready.kind() != Ready::Kind::kWhen;
  return std::string("ready: Ready::") + Name(ready.kind()) + '(' +
         (has_subject ? Quoted(ready.subject()) : "") + ") ";
}

Problem CheckPort(const Ready& ready, const std::string& name, const ServerAddress& address) {
  if (address.ports.contains(name)) return std::nullopt;
  const std::string placeholder = name.empty() ? "{port}" : "{port:" + Printable(name) + "}";
  return Title(ready) + "needs " + placeholder + ", which no field of the spec mentions";
}

Problem CheckHttp(const Ready& ready, const ServerAddress& address) {
  const Ready::HttpOptions& http = ready.http();
  const std::string& path = ready.subject();
  const bool plain = std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!path.starts_with('/')) return Title(ready) + "needs a path that begins with '/'";
  if (!plain) return Title(ready) + "has a byte in its path that has to be written as %XX";
  if (http.min_status < 100 || http.max_status > 599 || http.min_status > http.max_status) {
    return Title(ready) + "asks for a status from " + std::to_string(http.min_status) + " to " +
           std::to_string(http.max_status) + ": there is none (100 to 599)";
  }
  return CheckPort(ready, http.port, address);
}

Problem CheckPath(const Ready& ready) {
  if (ready.subject().empty()) return Title(ready) + "needs a path";
  if (ready.subject().find('\0') != std::string::npos) return Title(ready) + "has a NUL byte in its path";
  return std::nullopt;
}

Problem CheckUnix(const Ready& ready, const ServerAddress& address) {
  if (Problem problem = CheckPath(ready)) return problem;
  const std::string path = address.dir / ready.subject();
  if (path.size() <= UnixProbe::kLongestPath) return std::nullopt;
  return Title(ready) + "has a path of " + std::to_string(path.size()) + " bytes, and unix(7) allows " +
         std::to_string(UnixProbe::kLongestPath) + ": " + Printable(path, 4096) +
         "; {socket} is short enough";
}

Problem CheckLog(const Ready& ready) {
  const std::string error = Pattern(ready.subject()).error();
  if (error.empty()) return std::nullopt;
  return Title(ready) + "is no regex of RE2's syntax: " + error;
}

Problem CheckParts(const Ready& ready, const ServerAddress& address) {
  // All({}) holds at once, which may be meant; Any({}) never would.
  if (ready.kind() == Ready::Kind::kAny && ready.parts().empty()) return Title(ready) + "needs a part";
  for (const Ready& part : ready.parts()) {
    if (Problem problem = FindProblem(part, address)) return problem;
  }
  return std::nullopt;
}

}  // namespace

Problem FindProblem(const Ready& ready, const ServerAddress& address) {
  switch (ready.kind()) {
    case Ready::Kind::kTcp:
      return CheckPort(ready, ready.subject(), address);
    case Ready::Kind::kHttp:
      return CheckHttp(ready, address);
    case Ready::Kind::kUnix:
      return CheckUnix(ready, address);
    case Ready::Kind::kLog:
      return CheckLog(ready);
    case Ready::Kind::kFile:
      return CheckPath(ready);
    case Ready::Kind::kWhen:
      return ready.predicate() ? Problem() : Title(ready) + "needs a function";
    case Ready::Kind::kAll:
    case Ready::Kind::kAny:
      break;
  }
  return CheckParts(ready, address);
}

Ready ExpandSubjects(const Ready& ready, const std::function<std::string(const std::string&)>& expand) {
  const auto expand_parts = [&] {
    std::vector<Ready> parts;
    for (const Ready& part : ready.parts()) parts.push_back(ExpandSubjects(part, expand));
    return parts;
  };
  switch (ready.kind()) {
    case Ready::Kind::kUnix:
      return Ready::Unix(expand(ready.subject()));
    case Ready::Kind::kFile:
      return Ready::File(expand(ready.subject()));
    case Ready::Kind::kAll:
      return Ready::All(expand_parts());
    case Ready::Kind::kAny:
      return Ready::Any(expand_parts());
    default:
      return ready;
  }
}

}  // namespace curfew::readiness
