// SPDX-License-Identifier: Apache-2.0
#include "report/model_json.h"

#include <limits>
#include <stdexcept>
#include <string_view>

#include <nlohmann/json.hpp>

#include "report/decode.h"
#include "report/encode.h"
#include "report/stories.h"

namespace curfew::report {
namespace {

using nlohmann::json;

constexpr auto kMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kLongest = 100'000'000'000'000;  // milliseconds

void PutTime(json& out, const char* member, const std::optional<Time>& time) {
  if (time) out[member] = time->time_since_epoch().count();
}

void PutText(json& out, const char* member, const std::string& text) {
  if (!text.empty()) out[member] = text;
}

template <class T>
void PutList(json& out, const char* member, const std::vector<T>& list) {
  if (!list.empty()) out[member] = list;
}

TestResult ResultOf(const std::string& name) {
  for (const auto result :
       {TestResult::kPassed, TestResult::kFailed, TestResult::kSkipped, TestResult::kDisabled, TestResult::kTimedOut,
        TestResult::kCrashed, TestResult::kUnfinished, TestResult::kNotRun}) {
    if (name == Name(result)) return result;
  }
  throw std::runtime_error("bad value of result");
}

json EncodeServer(const ServerRecord& server) {
  json out = {{"name", server.name}, {"test", server.test}, {"pid", server.pid}, {"warden", server.warden}};
  PutList(out, "command", server.command);
  PutList(out, "ports", server.ports);
  PutText(out, "log", server.log);
  PutList(out, "log_tail", server.log_tail);
  PutTime(out, "asked_ms", server.asked);
  PutTime(out, "launched_ms", server.launched);
  PutTime(out, "ready_ms", server.ready);
  PutTime(out, "stopping_ms", server.stopping);
  PutTime(out, "exited_ms", server.exited);
  PutTime(out, "ended_ms", server.ended);
  if (server.status) out["status"] = *server.status;
  PutText(out, "cause", server.cause);
  if (server.stop) out["stop"] = *server.stop;
  out["killed"] = server.killed();
  out["warden_lost"] = server.warden_lost;
  json survivors = json::array();
  for (const auto& survivor : server.survivors) {
    survivors.push_back({{"process", survivor.process}, {"reason", survivor.reason}});
  }
  if (!survivors.empty()) out["survivors"] = std::move(survivors);
  return out;
}

ServerRecord DecodeServer(const json& in) {
  ServerRecord server;
  server.name = Text(in, "name");
  server.test = Text(in, "test");
  server.pid = ProcessId(in, "pid");
  server.warden = ProcessId(in, "warden");
  server.command = Texts(in, "command");
  server.ports = Ports(in, "ports");
  server.log = Text(in, "log");
  server.log_tail = Texts(in, "log_tail");
  server.asked = ReadTime(in, "asked_ms");
  server.launched = ReadTime(in, "launched_ms");
  server.ready = ReadTime(in, "ready_ms");
  server.stopping = ReadTime(in, "stopping_ms");
  server.exited = ReadTime(in, "exited_ms");
  server.ended = ReadTime(in, "ended_ms");
  server.status = ReadStatus(in, "status");
  server.cause = Text(in, "cause");
  if (in.contains("stop")) server.stop = ReadStop(in.at("stop"));
  server.warden_lost = Flag(in, "warden_lost");
  server.survivors = ReadSurvivors(in);
  return server;
}

json EncodeLeak(const LeakRecord& record) {
  json out = record.leak;
  out["text"] = record.leak.ToString();
  out["command_line"] = record.leak.process.CommandLine();
  PutTime(out, "found_ms", record.found);
  PutText(out, "exempted", record.exempted);
  return out;
}

json EncodeResource(const ResourceRecord& resource) {
  json out = {{"text", resource.text}, {"test", resource.test}, {"fails", resource.fails}};
  PutTime(out, "found_ms", resource.found);
  return out;
}

json EncodeRun(const Run& run) {
  json out = {{"id", run.id},
              {"host", run.host},
              {"directory", run.directory},
              {"pid", run.pid},
              {"command", run.command},
              {"containment", run.containment},
              {"ending", run.ending},
              {"complete", run.complete},
              {"finished", run.finished},
              {"clean", run.clean()}};
  PutTime(out, "begin_ms", run.begin);
  PutTime(out, "end_ms", run.end);
  if (run.status) out["status"] = *run.status;
  PutText(out, "output", run.output);
  if (run.is_command) out["is_command"] = true;
  PutText(out, "ended", CommandEnd(run));
  PutText(out, "abnormal_end", AbnormalEnd(run));
  PutText(out, "timed_out", run.timed_out);
  PutText(out, "evidence", run.evidence);
  PutList(out, "troubles", run.troubles);
  if (run.stop) out["stop"] = *run.stop;
  for (const char* list : {"tests", "servers", "leaks", "notes"}) out[list] = json::array();
  for (const auto& test : run.tests) out["tests"].push_back(EncodeTest(test));
  for (const auto& server : run.servers) out["servers"].push_back(EncodeServer(server));
  for (const auto& leak : run.leaks) out["leaks"].push_back(EncodeLeak(leak));
  // Absent where there are none: reports of version 1 were written before there were any.
  for (const auto& resource : run.resources) out["resources"].push_back(EncodeResource(resource));
  for (const auto& note : run.notes) {
    json entry = {{"text", note.text}};
    PutTime(entry, "time_ms", note.time);
    out["notes"].push_back(std::move(entry));
  }
  return out;
}

const json& List(const json& in, const char* member) {
  static const json& none = *new json(json::array());
  const auto found = in.find(member);
  if (found == in.end() || found->is_null()) return none;
  if (!found->is_array()) throw std::runtime_error(std::string("bad value of ") + member);
  return *found;
}

Run DecodeRun(const json& in) {
  Run run;
  run.id = Text(in, "id");
  run.host = Text(in, "host");
  run.directory = Text(in, "directory");
  run.pid = ProcessId(in, "pid");
  run.command = Texts(in, "command");
  run.containment = Text(in, "containment");
  run.begin = ReadTime(in, "begin_ms");
  run.end = ReadTime(in, "end_ms");
  run.ending = Text(in, "ending");
  run.complete = Flag(in, "complete");
  run.finished = Flag(in, "finished");
  run.status = ReadStatus(in, "status");
  run.output = Text(in, "output");
  run.is_command = Flag(in, "is_command");
  run.timed_out = Text(in, "timed_out");
  run.evidence = Text(in, "evidence");
  run.troubles = Texts(in, "troubles");
  if (in.contains("stop")) run.stop = ReadStop(in.at("stop"));
  for (const auto& test : List(in, "tests")) run.tests.push_back(DecodeTest(test));
  for (const auto& server : List(in, "servers")) run.servers.push_back(DecodeServer(server));
  for (const auto& leak : List(in, "leaks")) {
    run.leaks.push_back({ReadLeak(leak), ReadTime(leak, "found_ms"), Text(leak, "exempted")});
  }
  for (const auto& resource : List(in, "resources")) {
    run.resources.push_back(
        {Text(resource, "text"), Text(resource, "test"), ReadTime(resource, "found_ms"), Flag(resource, "fails")});
  }
  for (const auto& note : List(in, "notes")) run.notes.push_back({ReadTime(note, "time_ms"), Text(note, "text")});
  return run;
}

json Summary(const RunReport& report) {
  json tests = json::object();
  std::size_t all = 0;
  std::size_t servers = 0;
  std::size_t leaks = 0;
  std::size_t exempted = 0;
  for (const auto& run : report.runs) {
    for (const auto& test : run.tests) {
      auto& count = tests[Name(test.result)];
      count = count.is_null() ? 1 : count.get<std::int64_t>() + 1;
      ++all;
    }
    servers += run.servers.size();
    leaks += run.LeaksToBlame();
    exempted += run.leaks.size() - run.LeaksToBlame();
  }
  return {{"runs", report.runs.size()}, {"tests", all},        {"results", std::move(tests)}, {"servers", servers},
          {"leaks", leaks},             {"exempted", exempted}, {"clean", report.clean()}};
}

}  // namespace

json EncodeTest(const TestRecord& test) {
  json out = {{"test", test.name}, {"result", Name(test.result)}, {"iteration", test.iteration}};
  PutText(out, "file", test.file);
  if (test.line != 0) out["line"] = test.line;
  PutTime(out, "begin_ms", test.begin);
  if (test.duration) out["duration_ms"] = test.duration->count();
  json failures = json::array();
  for (const auto& failure : test.failures) {
    json entry = {{"message", failure.message}};
    PutText(entry, "file", failure.file);
    if (failure.line != 0) entry["line"] = failure.line;
    failures.push_back(std::move(entry));
  }
  if (!failures.empty()) out["failures"] = std::move(failures);
  if (test.failures_left_out != 0) out["failures_left_out"] = test.failures_left_out;
  PutText(out, "evidence", test.evidence);
  PutList(out, "files", test.files);
  return out;
}

TestRecord DecodeTest(const json& in) {
  TestRecord test;
  test.name = Text(in, "test");
  test.result = ResultOf(Text(in, "result"));
  test.iteration = static_cast<int>(Integer(in, "iteration", 0, kMax));
  test.file = Text(in, "file");
  test.line = static_cast<int>(Integer(in, "line", -1, kMax));
  test.begin = ReadTime(in, "begin_ms");
  if (in.contains("duration_ms")) test.duration = Span(Integer(in, "duration_ms", 0, kLongest));
  for (const auto& failure : List(in, "failures")) {
    test.failures.push_back(
        {Text(failure, "message"), Text(failure, "file"), static_cast<int>(Integer(failure, "line", -1, kMax))});
  }
  test.failures_left_out = static_cast<std::size_t>(Integer(in, "failures_left_out", 0, kMax));
  test.evidence = Text(in, "evidence");
  test.files = Texts(in, "files");
  return test;
}

json EncodeReport(const RunReport& report) {
  json runs = json::array();
  for (const auto& run : report.runs) runs.push_back(EncodeRun(run));
  return {{"format", "curfew-report"}, {"version", kReportVersion}, {"summary", Summary(report)},
          {"runs", std::move(runs)},   {"damage", report.damage}};
}

RunReport DecodeReport(const json& in) {
  if (Text(in, "format") != "curfew-report") throw std::runtime_error("not a report of Curfew");
  const auto version = Integer(in, "version", 0, kMax);
  if (version != kReportVersion) {
    throw std::runtime_error("a report of version " + std::to_string(version) + "; this reads " +
                             std::to_string(kReportVersion));
  }
  RunReport report;
  for (const auto& run : List(in, "runs")) report.runs.push_back(DecodeRun(run));
  report.damage = Texts(in, "damage");
  return report;
}

}  // namespace curfew::report
