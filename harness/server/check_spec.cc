// SPDX-License-Identifier: Apache-2.0
#include "server/check_spec.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>

#include <curfew/start_error.h>

#include "process/clock.h"
#include "readiness/validate.h"
#include "server/placeholders.h"

namespace curfew::server {
namespace {

// A value as an error shows it: quoted, bounded, with unprintable bytes escaped.
std::string Quote(const std::string& value) {
  ProcessInfo shown;
  shown.command = {value};
  const auto text = shown.CommandLine();
  return text.starts_with('"') || text.starts_with('\'') ? text : '"' + text + '"';
}

[[noreturn]] void Refuse(const std::string& field, const std::string& value, const std::string& why) {
  throw StartError(StartError::kBadSpec, "failed to start a server: ServerSpec::" + field + " is " + value + ": " + why,
                   {});
}

void CheckCommand(const ServerSpec& spec) {
  if (spec.command.empty() && spec.shell.empty()) {
    Refuse("command", "empty", "give the program and its arguments, or a line for `shell`");
  }
  if (!spec.command.empty() && !spec.shell.empty()) {
    Refuse("shell", Quote(spec.shell), "`command` is set too; give one of the two");
  }
  if (!spec.command.empty() && spec.command.front().empty()) Refuse("command[0]", "\"\"", "it names no program");
}

void CheckText(const ServerSpec& spec, const std::string& field, const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    Refuse(field, Quote(text), "it holds a NUL byte, which no argument, variable or path can");
  }
  for (const auto& word : FindPlaceholders(text)) {
    if (word == "port" || word.starts_with("port:") || word == "host" || word == "dir" || word == "socket") continue;
    if (word == "notify_fd" && readiness::Mentions(spec.ready, Ready::Kind::kNotifyFd)) continue;
    if (word.starts_with("captured:")) continue;  // whether there is such a one is seen when it is filled in
    Refuse(field, Quote(text),
           "{" + word +
               "} is no placeholder ({port}, {port:NAME}, {host}, {dir}, {socket}, {captured:GROUP}); write {{" + word +
               "}} to mean the text" + (word == "notify_fd" ? ", or set .ready = Ready::NotifyFd() to have it" : ""));
  }
}

void CheckNames(const ServerSpec& spec) {
  if (spec.name.find('\0') != std::string::npos || spec.name.find('/') != std::string::npos) {
    Refuse("name", Quote(spec.name), "it becomes a file name: no '/' and no NUL byte");
  }
  for (const auto& [name, value] : spec.env) {
    if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos) {
      Refuse("env", Quote(name), "a variable's name is not empty and holds no '=' and no NUL byte");
    }
  }
  for (const auto& [name, text] : spec.files) {
    const std::filesystem::path path(name);
    const bool leaves = std::ranges::find(path, "..") != path.end();
    if (name.empty() || path.is_absolute() || leaves || name.find('\0') != std::string::npos) {
      Refuse("files", Quote(name), "the name of a file inside {dir}: relative, without \"..\"");
    }
  }
}

// The ports that texts and sockets of the spec speak of.
std::set<std::string> MentionedPorts(const ServerSpec& spec) {
  std::set<std::string> names;
  ForEachText(spec, [&](const std::string&, const std::string& text) {
    for (const auto& word : FindPlaceholders(text)) {
      if (word == "port") names.insert("");
      if (word.starts_with("port:")) names.insert(word.substr(5));
    }
  });
  for (const auto& socket : spec.sockets) {
    if (socket.has_port()) names.insert(socket.name());
  }
  return names;
}

std::string Describe(const Port& port) {
  switch (port.kind()) {
    case Port::Kind::kReserved: return "Port()";
    case Port::Kind::kReservedUdp: return "Port::Udp()";
    case Port::Kind::kFixed: return std::to_string(port.number());
    case Port::Kind::kDiscovered: break;
  }
  return "Port::Discover(" + (port.matches() ? "..." : std::to_string(port.number())) + ")";
}

void CheckPorts(const ServerSpec& spec) {
  if (spec.port_attempts < 1 || spec.port_attempts > 100) {
    Refuse("port_attempts", std::to_string(spec.port_attempts), "a start is tried 1 to 100 times");
  }
  const auto used = MentionedPorts(spec);
  for (const auto& [name, port] : spec.ports) {
    const std::string field = "ports[\"" + name + "\"]";
    const std::string value = Describe(port);
    const bool fixed = port.kind() == Port::Kind::kFixed;
    const bool discovered = port.kind() == Port::Kind::kDiscovered;
    if (fixed && (port.number() < 1 || port.number() > 65535))
      Refuse(field, value, "a port is a number from 1 to 65535");
    if (discovered && (port.number() < 0 || port.number() > 999))
      Refuse(field, value, "they are counted from 0 to 999");
    if (!discovered && !used.contains(name)) {
      Refuse(field, value, std::string("nothing in the spec uses {port") + (name.empty() ? "" : ":") + name + "}");
    }
  }
}

bool Mentions(const Ready& ready, const std::set<Ready::Kind>& kinds) {
  return kinds.contains(ready.kind()) ||
         std::ranges::any_of(ready.parts(), [&kinds](const Ready& part) { return Mentions(part, kinds); });
}

// These connect to 127.0.0.1 and ::1, or look there.
const std::set<Ready::Kind>& KindsForLoopback() {
  static const std::set<Ready::Kind> kinds = {Ready::Kind::kTcpAccept, Ready::Kind::kHttp, Ready::Kind::kHttps,
                                              Ready::Kind::kUdp};
  return kinds;
}

void CheckAddress(const ServerSpec& spec) {
  if (!spec.private_address || !Mentions(spec.ready, KindsForLoopback())) return;
  Refuse("ready", "TcpAccept, Http, Https or Udp",
         "these look at 127.0.0.1 and not at a private_address; Ready::Tcp() does");
}

// The part that means a socket by a name of the abstract namespace, which is the network's (network_namespaces(7)).
const Ready* FindAbstract(const Ready& ready) {
  const bool by_name = ready.kind() == Ready::Kind::kUnix || ready.kind() == Ready::Kind::kUnixDatagram;
  if (by_name && ready.subject().starts_with('@')) return &ready;
  for (const auto& part : ready.parts()) {
    if (const auto* found = FindAbstract(part)) return found;
  }
  return nullptr;
}

void CheckNetwork(const ServerSpec& spec) {
  if (!spec.network.is_private()) return;
  if (spec.private_address) Refuse("private_address", "true", "a private network has every address to itself");
  if (Mentions(spec.ready, KindsForLoopback())) {
    Refuse("ready", "TcpAccept, Http, Https or Udp",
           "these cannot look into Network::Private(); Ready::Tcp() can");
  }
  if (const auto* named = FindAbstract(spec.ready)) {
    Refuse("ready", Quote(named->subject()),
           "names of the abstract namespace are the private network's own; a path is seen from everywhere");
  }
}

void CheckSockets(const ServerSpec& spec) {
  if (spec.sockets.empty() && Mentions(spec.ready, {Ready::Kind::kActivated})) {
    Refuse("ready", "Ready::Activated()", "`sockets` is empty: what is it to be activated by?");
  }
  if (!spec.sockets.empty() && Mentions(spec.ready, {Ready::Kind::kNotifyFd})) {
    Refuse("ready", "Ready::NotifyFd()",
           "its descriptor is number 3, which is the first of `sockets`; use Ready::Notify()");
  }
  for (std::size_t i = 0; i < spec.sockets.size(); ++i) {
    const auto& socket = spec.sockets[i];
    const std::string field = "sockets[" + std::to_string(i) + "]";
    if (socket.name().find_first_of(std::string(":{}\0\n", 5)) != std::string::npos) {
      Refuse(field, Quote(socket.name()),
             "a name goes into LISTEN_FDNAMES: no ':', no brace, no newline and no NUL byte");
    }
    if (!socket.has_port() && (socket.path().empty() || socket.path() == "@"))
      Refuse(field, "a Unix socket", "it has no path");
    const auto port = spec.ports.find(socket.name());
    if (socket.has_port() && port != spec.ports.end() && port->second.kind() == Port::Kind::kDiscovered) {
      Refuse(field, Quote(socket.name()),
             "that port is to be discovered, but a socket is bound before the server begins");
    }
  }
}

void CheckTimes(const ServerSpec& spec) {
  if (spec.ready_timeout <= Duration::zero()) {
    Refuse("ready_timeout", process::Describe(spec.ready_timeout), "it must be more than zero");
  }
  for (std::size_t i = 0; i < spec.stop.steps.size(); ++i) {
    const auto& step = spec.stop.steps[i];
    const std::string field = "stop.steps[" + std::to_string(i) + "]";
    if (step.grace < Duration::zero())
      Refuse(field + ".grace", process::Describe(step.grace), "it must not be negative");
    if (step.signal < 1 || step.signal > SIGRTMAX) {
      Refuse(field + ".signal", std::to_string(step.signal), "it is no signal's number");
    }
  }
}

void CheckNotify(const ServerSpec& spec) {
  if (readiness::Mentions(spec.ready, Ready::Kind::kNotify) && spec.env.contains("NOTIFY_SOCKET")) {
    Refuse("env[\"NOTIFY_SOCKET\"]", Quote(spec.env.at("NOTIFY_SOCKET")), "Ready::Notify sets it");
  }
  bool told = false;
  ForEachText(spec, [&](const std::string&, const std::string& text) {
    const auto words = FindPlaceholders(text);
    told = told || std::ranges::find(words, "notify_fd") != words.end();
  });
  if (!told && readiness::Mentions(spec.ready, Ready::Kind::kNotifyFd)) {
    Refuse("ready", "Ready::NotifyFd()", "tell the server the number: {notify_fd} in command, shell, env or files");
  }
}

}  // namespace

std::set<std::string> PortNames(const ServerSpec& spec) {
  auto names = MentionedPorts(spec);
  for (const auto& [name, port] : spec.ports) names.insert(name);
  return names;
}

std::string DisplayName(const ServerSpec& spec) {
  if (!spec.name.empty()) return spec.name;
  if (spec.command.empty()) return "sh";
  return std::filesystem::path(spec.command.front()).filename().string();
}

void CheckSpec(const ServerSpec& spec) {
  CheckCommand(spec);
  CheckNames(spec);
  ForEachText(spec, [&](const std::string& field, const std::string& text) { CheckText(spec, field, text); });
  CheckNotify(spec);
  CheckPorts(spec);
  CheckAddress(spec);
  CheckSockets(spec);
  CheckNetwork(spec);
  CheckTimes(spec);
}

}  // namespace curfew::server
