// SPDX-License-Identifier: Apache-2.0
// The JSON trace event format that ui.perfetto.dev opens. A run is a "process" of the trace, with a row for its tests,
// and as many for servers and for leaks as overlap.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "report/render.h"
#include "report/stories.h"

namespace curfew::report {
namespace {

using nlohmann::json;

std::int64_t Microseconds(Time time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

class Trace {
 public:
  std::string Render(const RunReport& report) {
    int number = 0;
    for (const auto& run : report.runs) OneRun(run, ++number);
    return json{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events_)}}.dump(
               -1, ' ', false, json::error_handler_t::replace) +
           '\n';
  }

 private:
  // The first row that is free from `begin` on: slices of one row may not overlap.
  int Row(std::vector<Time>& rows, Time begin, Time end) {
    auto free = std::ranges::find_if(rows, [begin](Time until) { return until <= begin; });
    if (free == rows.end()) free = rows.insert(rows.end(), Time());
    *free = std::max(begin + Span(1), end);
    return static_cast<int>(free - rows.begin());
  }

  void Slice(int run, int row, const std::string& name, Time begin, Time end, const char* kind, json details) {
    events_.push_back({{"ph", "X"},
                       {"pid", run},
                       {"tid", row},
                       {"name", name},
                       {"cat", kind},
                       {"ts", Microseconds(begin)},
                       {"dur", std::max<std::int64_t>(0, Microseconds(end) - Microseconds(begin))},
                       {"args", std::move(details)}});
  }

  void Named(int run, int row, const char* what, const std::string& name) {
    events_.push_back({{"ph", "M"}, {"pid", run}, {"tid", row}, {"name", what}, {"args", {{"name", name}}}});
  }

  void OneRun(const Run& run, int number) {
    Named(number, 0, "process_name", ProgramName(run) + " (run " + run.id + ")");
    if (run.is_command && run.begin) {
      Named(number, kCommand, "thread_name", "command");
      Slice(number, kCommand, ProgramName(run), *run.begin, std::max(*run.begin, run.end.value_or(*run.begin)),
            "command", {{"ended", CommandEnd(run)}, {"why", AbnormalEndStory(run)}});
    }
    Named(number, kTests, "thread_name", "tests");
    for (const auto& test : run.tests) {
      if (!test.begin) continue;
      const Time end = test.duration ? *test.begin + *test.duration : run.end.value_or(*test.begin);
      Slice(number, kTests, test.name, *test.begin, end, "test",
            {{"result", Name(test.result)}, {"why", Story(run, test)}});
    }
    std::vector<Time> rows;
    for (const auto& server : run.servers) OneServer(run, number, server, rows);
    for (std::size_t i = 0; i < rows.size(); ++i)
      Named(number, kServers + static_cast<int>(i), "thread_name", "servers");
    rows.clear();
    for (const auto& record : run.leaks) OneLeak(run, number, record, rows);
    for (std::size_t i = 0; i < rows.size(); ++i) Named(number, kLeaks + static_cast<int>(i), "thread_name", "LEAKED");
  }

  void OneServer(const Run& run, int number, const ServerRecord& server, std::vector<Time>& rows) {
    if (!server.asked) return;
    const Time end = std::max(*server.asked, server.ended.value_or(run.end.value_or(*server.asked)));
    const int row = kServers + Row(rows, *server.asked, end);
    Slice(number, row, server.name, *server.asked, end, "server",
          {{"test", server.test}, {"trouble", Trouble(server)}});
    const std::pair<const char*, std::optional<Time>> phases[] = {
        {"launching", server.asked}, {"in use", server.ready}, {"stopping", server.stopping}, {"", end}};
    std::optional<std::pair<const char*, Time>> open;
    for (const auto& [name, time] : phases) {
      if (!time) continue;
      const Time at = std::clamp(*time, *server.asked, end);
      if (open) Slice(number, row, open->first, open->second, std::max(at, open->second), "phase", json::object());
      open = {name, open ? std::max(at, open->second) : at};
    }
  }

  void OneLeak(const Run& run, int number, const LeakRecord& record, std::vector<Time>& rows) {
    const auto begin = std::chrono::floor<Span>(record.leak.process.started);
    const Time end = std::max<Time>(begin, record.found.value_or(run.end.value_or(begin)));
    Slice(number, kLeaks + Row(rows, begin, end),
          std::to_string(record.leak.process.pid) + ' ' + record.leak.process.CommandLine(), begin, end, "leak",
          {{"test", record.leak.test}, {"pid", record.leak.process.pid}, {"what", record.leak.ToString()}});
  }

  static constexpr int kCommand = 1;
  static constexpr int kTests = 2;
  static constexpr int kServers = 1000;
  static constexpr int kLeaks = 100'000;

  json events_ = json::array();
};

}  // namespace

std::string RenderTrace(const RunReport& report) { return Trace().Render(report); }

}  // namespace curfew::report
