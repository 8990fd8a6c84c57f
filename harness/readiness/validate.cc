// SPDX-License-Identifier: Apache-2.0
#include "readiness/validate.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "process/clock.h"
#include "readiness/command.h"
#include "readiness/pattern.h"
#include "readiness/probe.h"
#include "readiness/text.h"
#include "readiness/tls_client.h"

namespace curfew::readiness {
namespace {

using Problem = std::optional<std::string>;

const char* Name(Ready::Kind kind) {
  switch (kind) {
    case Ready::Kind::kTcp:
      return "Tcp";
    case Ready::Kind::kTcpAccept:
      return "TcpAccept";
    case Ready::Kind::kUdp:
      return "Udp";
    case Ready::Kind::kUnix:
      return "Unix";
    case Ready::Kind::kUnixDatagram:
      return "UnixDatagram";
    case Ready::Kind::kHttp:
      return "Http";
    case Ready::Kind::kHttps:
      return "Https";
    case Ready::Kind::kLog:
      return "Log";
    case Ready::Kind::kFile:
      return "File";
    case Ready::Kind::kFileSettled:
      return "FileSettled";
    case Ready::Kind::kCommand:
      return "Command";
    case Ready::Kind::kNotify:
      return "Notify";
    case Ready::Kind::kNotifyFd:
      return "NotifyFd";
    case Ready::Kind::kWhen:
      return "When";
    case Ready::Kind::kStaysReady:
      return "StaysReady";
    case Ready::Kind::kActivated:
      return "Activated";
    case Ready::Kind::kAll:
      return "All";
    case Ready::Kind::kAny:
      return "Any";
  }
  return "?";
}

// `ready: Ready::Log("(") `: what a problem's text begins with.
std::string Title(const Ready& ready) {
  std::string subject;
  switch (ready.kind()) {
    case Ready::Kind::kCommand:
      for (const std::string& word : ready.argv()) subject += (subject.empty() ? "" : ", ") + Quoted(word);
      subject = '{' + subject + '}';
      break;
    case Ready::Kind::kNotify:
    case Ready::Kind::kNotifyFd:
    case Ready::Kind::kWhen:
    case Ready::Kind::kStaysReady:
    case Ready::Kind::kAll:
    case Ready::Kind::kAny:
      break;
    default:
      subject = Quoted(ready.subject());
  }
  return std::string("ready: Ready::") + Name(ready.kind()) + '(' + subject + ") ";
}

// A length of time the kind calls for; `what` is its name in ready.h.
Problem CheckDuration(const Ready& ready, const char* what, Duration value) {
  if (value > Duration::zero()) return std::nullopt;
  return Title(ready) + "has ." + what + " = " + process::Describe(value) + ": it must be more than zero";
}

Problem CheckPort(const Ready& ready, const std::string& name, const ServerAddress& address) {
  if (address.ports.contains(name)) return std::nullopt;
  const std::string placeholder = name.empty() ? "{port}" : "{port:" + Printable(name) + "}";
  return Title(ready) + "needs " + placeholder + ", which no field of the spec mentions";
}

Problem CheckTarget(const Ready& ready) {
  const std::string& path = ready.subject();
  const bool plain = std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!path.starts_with('/')) return Title(ready) + "needs a path that begins with '/'";
  if (!plain) return Title(ready) + "has a byte in its path that has to be written as %XX";
  return std::nullopt;
}

// What RFC 9110 (5.6.2) calls a token: the names of methods and header fields.
bool IsToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

Problem CheckStatuses(const Ready& ready) {
  if (ready.http().status.empty()) return Title(ready) + "has an empty .status: no answer would do";
  for (const Ready::Statuses& wanted : ready.http().status) {
    if (wanted.first >= 100 && wanted.last <= 599 && wanted.first <= wanted.last) continue;
    return Title(ready) + "asks for a .status from " + std::to_string(wanted.first) + " to " +
           std::to_string(wanted.last) + ": there is none (100 to 599)";
  }
  return std::nullopt;
}

// What this server's own log will show is known to commands alone: they are run after it, the rest is made before.
Problem CheckFilledIn(const Ready& ready, const std::string& text) {
  const std::size_t mark = text.find(kLateCapture);
  if (mark == std::string::npos) return std::nullopt;
  const std::size_t at = mark + 1;
  return Title(ready) + "has " + Quoted(text.substr(at, text.find('}', at) + 1 - at)) +
         " of this same spec's log, which only Ready::Command can use";
}

Problem CheckRequest(const Ready& ready) {
  constexpr int kMostRedirects = 20;
  const Ready::HttpOptions& http = ready.http();
  if (!IsToken(http.method)) return Title(ready) + "has .method = " + Quoted(http.method) + ": that is none";
  if (http.method == "CONNECT") return Title(ready) + "has .method = \"CONNECT\", which makes a tunnel and no answer";
  for (const auto& [name, value] : http.headers) {
    if (Problem problem = CheckFilledIn(ready, value)) return problem;
    if (!IsToken(name)) return Title(ready) + "has .headers named " + Quoted(name) + ": that is no name of a field";
    if (value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos) continue;
    return Title(ready) + "has .headers[" + Quoted(name) + "] = " + Quoted(value) + ": a value is one line without NUL";
  }
  for (const std::string& text : {http.body, http.contains}) {
    if (Problem problem = CheckFilledIn(ready, text)) return problem;
  }
  if (http.redirects < 0 || http.redirects > kMostRedirects) {
    return Title(ready) + "has .redirects = " + std::to_string(http.redirects) + ": 0 to " +
           std::to_string(kMostRedirects);
  }
  const std::string error = http.matches.empty() ? "" : Pattern(http.matches).error();
  if (!error.empty())
    return Title(ready) + "has .matches = " + Quoted(http.matches) + ", no regex of RE2's syntax: " + error;
  return CheckDuration(ready, "attempt", http.attempt);
}

Problem CheckTls(const Ready& ready, const ServerAddress& address) {
  const Ready::HttpOptions& http = ready.http();
  const bool any = !http.ca_file.empty() || http.unverified || !http.server_name.empty();
  if (ready.kind() == Ready::Kind::kHttp) {
    if (!any) return std::nullopt;
    return Title(ready) + "has .ca_file, .unverified or .server_name, which are Https's";
  }
  if (!TlsClient::Available()) {
    return Title(ready) + "needs a Curfew built with OpenSSL (install libssl-dev, configure with -DCURFEW_TLS=ON)";
  }
  if (http.ca_file.empty() != http.unverified) {
    return Title(ready) + "needs one of .ca_file and .unverified = true, and not both";
  }
  if (http.server_name.find('\0') != std::string::npos) return Title(ready) + "has a NUL byte in .server_name";
  if (http.unverified) return std::nullopt;
  // One in {dir} the server may still have to write.
  const std::filesystem::path file = address.dir / http.ca_file;
  std::error_code error;
  const bool inside = file.native().starts_with(address.dir.native() + '/');
  if (inside || std::filesystem::exists(file, error)) return std::nullopt;
  return Title(ready) + "has .ca_file = " + Quoted(http.ca_file.native(), 4096) + ": there is no such file";
}

Problem CheckHttp(const Ready& ready, const ServerAddress& address) {
  if (Problem problem = CheckTarget(ready)) return problem;
  if (Problem problem = CheckStatuses(ready)) return problem;
  if (Problem problem = CheckRequest(ready)) return problem;
  if (Problem problem = CheckTls(ready, address)) return problem;
  return CheckPort(ready, ready.http().port, address);
}

Problem CheckPath(const Ready& ready) {
  if (Problem problem = CheckFilledIn(ready, ready.subject())) return problem;
  if (ready.subject().empty()) return Title(ready) + "needs a path";
  if (ready.subject().find('\0') != std::string::npos) return Title(ready) + "has a NUL byte in its path";
  return std::nullopt;
}

Problem CheckUnix(const Ready& ready, const ServerAddress& address) {
  if (ready.subject() == "@") return Title(ready) + "needs a name after the '@'";
  const UnixAddress where = AddressOf(ready.subject(), address);
  if (!where.abstract()) {
    if (Problem problem = CheckPath(ready)) return problem;
  }
  if (where.text.size() <= UnixAddress::kLongest) return std::nullopt;
  return Title(ready) + "has a " + (where.abstract() ? "name" : "path") + " of " + std::to_string(where.text.size()) +
         " bytes, and unix(7) allows " + std::to_string(UnixAddress::kLongest) + ": " + Printable(where.text, 4096) +
         "; {socket} is short enough";
}

Problem CheckLog(const Ready& ready) {
  const std::string error = Pattern(ready.subject()).error();
  if (!error.empty()) return Title(ready) + "is no regex of RE2's syntax: " + error;
  if (ready.log().occurrence < 1) {
    return Title(ready) + "has .occurrence = " + std::to_string(ready.log().occurrence) + ": the first is 1";
  }
  if (ready.log().within < Duration::zero()) {
    return Title(ready) + "has .within = " + process::Describe(ready.log().within) + ": it must not be negative";
  }
  return std::nullopt;
}

Problem CheckCommand(const Ready& ready) {
  if (ready.argv().empty() || ready.argv().front().empty()) return Title(ready) + "needs a program";
  for (const std::string& word : ready.argv()) {
    if (word.find('\0') != std::string::npos) return Title(ready) + "holds a NUL byte, which no argument can";
  }
  for (const auto& [name, value] : ready.command().env) {
    const std::string both = name + value;
    if (name.empty() || name.find('=') != std::string::npos || both.find('\0') != std::string::npos) {
      return Title(ready) + "has .env[" + Quoted(name) +
             "]: a name is not empty and has no '=', and neither has a NUL byte";
    }
  }
  return CheckDuration(ready, "attempt", ready.command().attempt);
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
    case Ready::Kind::kTcpAccept:
      if (Problem problem = CheckDuration(ready, "attempt", ready.duration())) return problem;
      [[fallthrough]];
    case Ready::Kind::kTcp:
    case Ready::Kind::kUdp:
      return CheckPort(ready, ready.subject(), address);
    case Ready::Kind::kHttp:
    case Ready::Kind::kHttps:
      return CheckHttp(ready, address);
    case Ready::Kind::kUnix:
    case Ready::Kind::kUnixDatagram:
      return CheckUnix(ready, address);
    case Ready::Kind::kLog:
      return CheckLog(ready);
    case Ready::Kind::kFileSettled:
      if (Problem problem = CheckDuration(ready, "quiet", ready.duration())) return problem;
      [[fallthrough]];
    case Ready::Kind::kFile:
      return CheckPath(ready);
    case Ready::Kind::kCommand:
      return CheckCommand(ready);
    case Ready::Kind::kNotify:
    case Ready::Kind::kNotifyFd:
    case Ready::Kind::kActivated:
      return std::nullopt;
    case Ready::Kind::kWhen:
      return ready.predicate() ? Problem() : Title(ready) + "needs a function";
    case Ready::Kind::kStaysReady:
      if (Problem problem = CheckDuration(ready, "hold", ready.duration())) return problem;
      break;
    case Ready::Kind::kAll:
    case Ready::Kind::kAny:
      break;
  }
  return CheckParts(ready, address);
}

namespace {

Ready::HttpOptions ExpandOptions(Ready::HttpOptions http, const Expand& expand) {
  for (auto& [name, value] : http.headers) value = expand(value);
  http.body = expand(http.body);
  http.contains = expand(http.contains);
  http.ca_file = expand(http.ca_file.string());
  return http;
}

Ready ExpandCommand(const Ready& ready, const Expand& expand) {
  std::vector<std::string> argv;
  for (const std::string& word : ready.argv()) argv.push_back(expand(word));
  Ready::CommandOptions options = ready.command();
  for (auto& [name, value] : options.env) value = expand(value);
  return ready.With(std::move(argv), std::move(options));
}

}  // namespace

Ready ExpandSubjects(const Ready& ready, const Expand& expand) {
  switch (ready.kind()) {
    case Ready::Kind::kUnix:
    case Ready::Kind::kUnixDatagram:
    case Ready::Kind::kFile:
    case Ready::Kind::kFileSettled:
      return ready.With(expand(ready.subject()));
    case Ready::Kind::kHttp:
    case Ready::Kind::kHttps:
      return ready.With(ExpandOptions(ready.http(), expand));
    case Ready::Kind::kCommand:
      return ExpandCommand(ready, expand);
    default:
      break;
  }
  if (ready.parts().empty()) return ready;
  std::vector<Ready> parts;
  for (const Ready& part : ready.parts()) parts.push_back(ExpandSubjects(part, expand));
  return ready.With(std::move(parts));
}

bool Mentions(const Ready& ready, Ready::Kind kind) {
  if (ready.kind() == kind) return true;
  return std::any_of(ready.parts().begin(), ready.parts().end(),
                     [kind](const Ready& part) { return Mentions(part, kind); });
}

std::set<std::string> CapturedNames(const Ready& ready) {
  std::set<std::string> names;
  if (ready.kind() == Ready::Kind::kLog) {
    for (std::string& name : Pattern(ready.subject()).GroupNames()) names.insert(std::move(name));
  }
  for (const Ready& part : ready.parts()) names.merge(CapturedNames(part));
  return names;
}

}  // namespace curfew::readiness
