// SPDX-License-Identifier: Apache-2.0
#include "report/decode.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "report/encode.h"

namespace curfew::report {
namespace {

using nlohmann::json;

// Ours need 9: report, run, server, stop, orphans, leak, process, ports, port.
constexpr int kDeepest = 32;
// Some year after 5000; below every overflow of what is done with times.
constexpr std::int64_t kLatest = 100'000'000'000'000;

const json* Find(const json& in, const char* member) {
  if (!in.is_object()) throw std::runtime_error("not an object");
  const auto found = in.find(member);
  return found == in.end() || found->is_null() ? nullptr : &*found;
}

[[noreturn]] void Refuse(const char* member) { throw std::runtime_error(std::string("bad value of ") + member); }

std::int64_t Whole(const json& value, const char* member, std::int64_t low, std::int64_t high) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
    Refuse(member);
  // A later version, or another program that wrote the JSON again, may write 1e3 for 1000.
  if (value.is_number_float()) {
    const auto number = value.get<double>();
    if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high)) || std::abs(number) > 9e15 ||
        std::trunc(number) != number) {
      Refuse(member);
    }
    return std::llround(number);
  }
  if (!value.is_number_integer()) Refuse(member);
  const auto number = value.get<std::int64_t>();
  if (number < low || number > high) Refuse(member);
  return number;
}

const json& Array(const json& value, const char* member) {
  if (!value.is_array()) Refuse(member);
  return value;
}

// Through encode.h once every member is known to be right.
ProcessInfo ReadProcess(const json& in, const char* member) {
  const json* process = Find(in, member);
  if (process == nullptr) Refuse(member);
  ProcessInfo out;
  out.pid = ProcessId(*process, "pid");
  out.parent = ProcessId(*process, "parent");
  out.group = ProcessId(*process, "group");
  out.session = ProcessId(*process, "session");
  out.uid = static_cast<uid_t>(Integer(*process, "uid", 0, std::numeric_limits<uid_t>::max()));
  const auto state = Text(*process, "state");
  out.state = state.size() == 1 ? state.front() : '?';
  out.name = Text(*process, "name");
  out.command = Texts(*process, "command");
  out.cwd = Text(*process, "cwd");
  out.exe = Text(*process, "exe");
  out.resident_bytes = static_cast<std::uint64_t>(
      Integer(*process, "resident_bytes", 0, std::numeric_limits<std::int64_t>::max()));
  out.ports = Ports(*process, "ports");
  if (const json* ticks = Find(*process, "start_ticks")) {
    if (!ticks->is_number_unsigned()) Refuse("start_ticks");
    out.start_ticks = ticks->get<std::uint64_t>();
  }
  const auto started = Integer(*process, "started_ns", 0, std::numeric_limits<std::int64_t>::max());
  out.started = std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(started)));
  out.exe = Text(*process, "exe");
  out.resident_bytes = static_cast<std::uint64_t>(
      Integer(*process, "resident_bytes", 0, std::numeric_limits<std::int64_t>::max()));
  return out;
}

}  // namespace

std::optional<json> ParseObject(std::string_view text) {
  bool refused = false;
  const auto check = [&refused](int depth, json::parse_event_t, json&) {
    if (depth > kDeepest) refused = true;
    return !refused;
  };
  auto value = json::parse(text.begin(), text.end(), check, false);
  if (refused || !value.is_object()) return std::nullopt;
  return value;
}

std::string Text(const json& in, const char* member) {
  const json* value = Find(in, member);
  if (value == nullptr) return "";
  if (!value->is_string()) Refuse(member);
  return value->get<std::string>();
}

std::int64_t Integer(const json& in, const char* member, std::int64_t low, std::int64_t high, std::int64_t otherwise) {
  const json* value = Find(in, member);
  return value == nullptr ? otherwise : Whole(*value, member, low, high);
}

bool Flag(const json& in, const char* member) {
  const json* value = Find(in, member);
  if (value == nullptr) return false;
  if (!value->is_boolean()) Refuse(member);
  return value->get<bool>();
}

std::vector<std::string> Texts(const json& in, const char* member) {
  std::vector<std::string> texts;
  if (const json* value = Find(in, member)) {
    for (const auto& text : Array(*value, member)) {
      if (!text.is_string()) Refuse(member);
      texts.push_back(text.get<std::string>());
    }
  }
  return texts;
}

std::vector<std::uint16_t> Ports(const json& in, const char* member) {
  std::vector<std::uint16_t> ports;
  if (const json* value = Find(in, member)) {
    for (const auto& port : Array(*value, member)) {
      ports.push_back(static_cast<std::uint16_t>(Whole(port, member, 0, 65535)));
    }
  }
  return ports;
}

pid_t ProcessId(const json& in, const char* member) {
  return static_cast<pid_t>(Integer(in, member, -1, std::numeric_limits<pid_t>::max()));
}

std::optional<Time> ReadTime(const json& in, const char* member) {
  const json* value = Find(in, member);
  if (value == nullptr) return std::nullopt;
  return Time(Span(Whole(*value, member, 0, kLatest)));
}

std::optional<ExitStatus> ReadStatus(const json& in, const char* member) {
  const json* value = Find(in, member);
  if (value == nullptr) return std::nullopt;
  if (Find(*value, "code") != nullptr) return ExitStatus::Exited(static_cast<int>(Integer(*value, "code", 0, 255)));
  if (Find(*value, "signal") == nullptr) Refuse(member);
  return ExitStatus::KilledBy(static_cast<int>(Integer(*value, "signal", 1, 127)), Flag(*value, "core"));
}

Leak ReadLeak(const json& in) {
  Leak leak;
  leak.process = ReadProcess(in, "process");
  leak.escapes = Texts(in, "escapes");
  leak.evidence = Texts(in, "evidence");
  leak.server = Text(in, "server");
  leak.test = Text(in, "test");
  leak.run = Text(in, "run");
  leak.ancestors = Texts(in, "ancestors");
  leak.holds = Texts(in, "holds");
  leak.exempted = Text(in, "exempted");
  leak.reaped = Flag(in, "reaped");
  leak.why_alive = Text(in, "why_alive");
  leak.run = Text(in, "run");
  leak.ancestors = Texts(in, "ancestors");
  leak.holds = Texts(in, "holds");
  leak.exempted = Text(in, "exempted");
  return leak;
}

std::vector<Survivor> ReadSurvivors(const json& in) {
  std::vector<Survivor> survivors;
  if (const json* list = Find(in, "survivors")) {
    for (const auto& entry : Array(*list, "survivors")) {
      survivors.push_back({ReadProcess(entry, "process"), Text(entry, "reason")});
    }
  }
  return survivors;
}

StopResult ReadStop(const json& in) {
  StopResult stop;
  stop.leader = ReadStatus(in, "leader");
  if (const json* processes = Find(in, "processes")) {
    for (const auto& entry : Array(*processes, "processes")) {
      stop.processes.push_back({ReadProcess(entry, "process"), static_cast<int>(Integer(entry, "needed", 0, 127)),
                                ReadStatus(entry, "status")});
    }
  }
  if (const json* orphans = Find(in, "orphans")) {
    for (const auto& orphan : Array(*orphans, "orphans")) stop.orphans.push_back(ReadLeak(orphan));
  }
  stop.survivors = ReadSurvivors(in);
  stop.took = Duration(Integer(in, "took_ns", 0, std::numeric_limits<std::int64_t>::max()));
  return stop;
}

}  // namespace curfew::report
