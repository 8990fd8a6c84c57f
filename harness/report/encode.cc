// SPDX-License-Identifier: Apache-2.0
#include "report/encode.h"

#include <nlohmann/json.hpp>

namespace curfew {
namespace {

using nlohmann::json;

std::int64_t Nanoseconds(Duration duration) { return duration.count(); }

json EncodeOptional(const std::optional<ExitStatus>& status) { return status ? json(*status) : json(); }

std::optional<ExitStatus> DecodeOptional(const json& value) {
  if (value.is_null()) return std::nullopt;
  return report::DecodeExitStatus(value);
}

}  // namespace

void to_json(json& out, const ProcessInfo& process) {
  const auto started = process.started.time_since_epoch();
  out = {{"pid", process.pid},
         {"parent", process.parent},
         {"group", process.group},
         {"session", process.session},
         {"uid", process.uid},
         {"state", std::string(1, process.state)},
         {"name", process.name},
         {"command", process.command},
         {"cwd", process.cwd},
         {"ports", process.ports},
         {"start_ticks", process.start_ticks},
         {"started_ns", Nanoseconds(std::chrono::duration_cast<Duration>(started))}};
  if (!process.exe.empty()) out["exe"] = process.exe;
  if (process.resident_bytes != 0) out["resident_bytes"] = process.resident_bytes;
}

void from_json(const json& in, ProcessInfo& process) {
  in.at("pid").get_to(process.pid);
  in.at("parent").get_to(process.parent);
  in.at("group").get_to(process.group);
  in.at("session").get_to(process.session);
  in.at("uid").get_to(process.uid);
  const auto state = in.at("state").get<std::string>();
  process.state = state.empty() ? '?' : state.front();
  in.at("name").get_to(process.name);
  in.at("command").get_to(process.command);
  in.at("cwd").get_to(process.cwd);
  in.at("ports").get_to(process.ports);
  in.at("start_ticks").get_to(process.start_ticks);
  const Duration since_epoch(in.at("started_ns").get<std::int64_t>());
  process.started = std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(since_epoch));
  process.exe = in.value("exe", "");
  process.resident_bytes = in.value("resident_bytes", std::uint64_t{0});
}

void to_json(json& out, const ExitStatus& status) {
  if (status.exited()) {
    out = {{"code", status.code()}};
  } else {
    out = {{"signal", status.signal()}, {"core", status.dumped_core()}};
  }
}

void to_json(json& out, const Leak& leak) {
  out = {{"process", leak.process}, {"escapes", leak.escapes}, {"evidence", leak.evidence},
         {"server", leak.server},   {"test", leak.test},       {"reaped", leak.reaped},
         {"why_alive", leak.why_alive}};
  // Absent where there is nothing to say: most leaks have none of these.
  if (!leak.run.empty()) out["run"] = leak.run;
  if (!leak.ancestors.empty()) out["ancestors"] = leak.ancestors;
  if (!leak.holds.empty()) out["holds"] = leak.holds;
  if (!leak.exempted.empty()) out["exempted"] = leak.exempted;
}

void from_json(const json& in, Leak& leak) {
  in.at("process").get_to(leak.process);
  in.at("escapes").get_to(leak.escapes);
  in.at("evidence").get_to(leak.evidence);
  in.at("server").get_to(leak.server);
  in.at("test").get_to(leak.test);
  in.at("reaped").get_to(leak.reaped);
  in.at("why_alive").get_to(leak.why_alive);
  leak.run = in.value("run", "");
  leak.ancestors = in.value("ancestors", std::vector<std::string>());
  leak.holds = in.value("holds", std::vector<std::string>());
  leak.exempted = in.value("exempted", "");
}

void to_json(json& out, const StopPolicy& policy) {
  out = json::array();
  for (const auto& step : policy.steps) {
    out.push_back({{"signal", step.signal},
                   {"grace_ns", Nanoseconds(step.grace)},
                   {"leader_only", step.to == StopStep::To::kLeader}});
  }
}

void from_json(const json& in, StopPolicy& policy) {
  policy.steps.clear();
  for (const auto& step : in) {
    policy.steps.push_back({step.at("signal").get<int>(), Duration(step.at("grace_ns").get<std::int64_t>()),
                            step.at("leader_only").get<bool>() ? StopStep::To::kLeader : StopStep::To::kTree});
  }
}

void to_json(json& out, const Survivor& survivor) {
  out = {{"process", survivor.process}, {"reason", survivor.reason}};
}

void from_json(const json& in, Survivor& survivor) {
  in.at("process").get_to(survivor.process);
  in.at("reason").get_to(survivor.reason);
}

void to_json(json& out, const StopResult& result) {
  json processes = json::array();
  for (const auto& stopped : result.processes) {
    processes.push_back(
        {{"process", stopped.process}, {"needed", stopped.needed}, {"status", EncodeOptional(stopped.status)}});
  }
  out = {{"leader", EncodeOptional(result.leader)},
         {"processes", std::move(processes)},
         {"orphans", result.orphans},
         {"survivors", result.survivors},
         {"took_ns", Nanoseconds(result.took)}};
}

void from_json(const json& in, StopResult& result) {
  result = {};
  result.leader = DecodeOptional(in.at("leader"));
  for (const auto& stopped : in.at("processes")) {
    result.processes.push_back({stopped.at("process").get<ProcessInfo>(), stopped.at("needed").get<int>(),
                                DecodeOptional(stopped.at("status"))});
  }
  in.at("orphans").get_to(result.orphans);
  in.at("survivors").get_to(result.survivors);
  result.took = Duration(in.at("took_ns").get<std::int64_t>());
}

}  // namespace curfew

namespace curfew::report {

ExitStatus DecodeExitStatus(const nlohmann::json& in) {
  if (in.contains("code")) return ExitStatus::Exited(in.at("code").get<int>());
  return ExitStatus::KilledBy(in.at("signal").get<int>(), in.at("core").get<bool>());
}

}  // namespace curfew::report
