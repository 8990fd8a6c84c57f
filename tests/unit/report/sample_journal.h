// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "report/encode.h"
#include "samples.h"

namespace curfew::testing {

inline std::string Line(nlohmann::json event, std::int64_t time_ms) {
  event["time_ms"] = time_ms;
  return event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

inline nlohmann::json Planned(const std::string& test) {
  return {{"test", test}, {"result", "not_run"}, {"file", "kv_test.cc"}, {"line", 7}};
}

// A journal as a keeper writes it, with every kind of event: two tests had run before the first server was started,
// one passes with a server that leaves an orphan, one fails, one is skipped, one hangs on itself and takes the program
// with it, one is never reached.
inline std::string SampleJournal(const std::string& run = "abc123") {
  Leak orphan;
  orphan.process = WildProcess(4711);
  orphan.escapes = {"its parent is gone (daemonised or orphaned)", "own session 4711 (setsid)"};
  orphan.evidence = {"lineage", "tag"};
  StopResult stop;
  stop.leader = ExitStatus::Exited(0);
  stop.processes.push_back({PlainProcess(4002, {"redis-server"}), SIGTERM, ExitStatus::Exited(0)});
  stop.processes.push_back({orphan.process, SIGKILL, std::nullopt});
  stop.orphans = {orphan};
  stop.took = std::chrono::milliseconds(40);
  Leak told = orphan;
  told.server = "redis";
  told.test = "Kv.Pings";
  told.reaped = true;
  const nlohmann::json tests = {Planned("Kv.Early"), Planned("Kv.EarlyFails"), Planned("Kv.Pings"), Planned("Kv.Fails"),
                                Planned("Kv.Skips"), Planned("Kv.Hangs"), Planned("Kv.Never")};
  std::string text;
  text += Line({{"event", "run_begin"}, {"schema", 1}, {"run", run}, {"pid", 4000}, {"host", "builder"},
                {"cwd", "/src"}, {"command", {"./kv_test", "--gtest_output=xml:kv.xml"}}}, 1'000'000);
  text += Line({{"event", "program"}, {"output", "xml:kv.xml"}, {"containment", "lineage and tag"}}, 1'000'001);
  text += Line({{"event", "tests"}, {"tests", tests}}, 1'000'001);
  text += Line({{"event", "iteration"}, {"iteration", 0}}, 1'000'001);
  text += Line(
      {{"event", "test_end"}, {"test", "Kv.Early"}, {"result", "passed"}, {"begin_ms", 999'900}, {"duration_ms", 10}},
      1'000'001);
  text += Line({{"event", "test_end"},
                {"test", "Kv.EarlyFails"},
                {"result", "failed"},
                {"begin_ms", 999'920},
                {"duration_ms", 10},
                {"failures", {{{"message", "1 is not 2"}, {"file", "kv_test.cc"}, {"line", 12}}}}},
               1'000'001);
  text += Line({{"event", "test_begin"}, {"test", "Kv.Pings"}, {"begin_ms", 1'000'000}}, 1'000'002);
  text +=
      Line({{"event", "server"}, {"server", "redis"}, {"test", "Kv.Pings"}, {"warden", 4001}, {"log", "/tmp/r/1.log"}},
           1'000'003);
  text += Line({{"event", "launched"}, {"server", "redis"}, {"test", "Kv.Pings"}, {"warden", 4001}, {"pid", 4002},
                {"argv", {"redis-server", "--port", "6400"}}}, 1'000'005);
  text += Line({{"event", "ready"}, {"server", "redis"}, {"warden", 4001}, {"ports", {6400}}}, 1'000'015);
  text += Line(
      {{"event", "exited"}, {"server", "redis"}, {"warden", 4001}, {"pid", 4002}, {"status", ExitStatus::Exited(0)}},
      1'000'080);
  text += Line({{"event", "stopped"},
                {"server", "redis"},
                {"test", "Kv.Pings"},
                {"warden", 4001},
                {"cause", ""},
                {"result", stop},
                {"log_tail", {"ready to accept", "bye"}}},
               1'000'100);
  text += Line({{"event", "leak"}, {"leak", told}}, 1'000'101);
  text += Line(
      {{"event", "test_end"}, {"test", "Kv.Pings"}, {"result", "passed"}, {"begin_ms", 1'000'000}, {"duration_ms", 95}},
      1'000'102);
  text += Line({{"event", "test_begin"}, {"test", "Kv.Fails"}}, 1'000'110);
  text += Line({{"event", "kept"}, {"test", "Kv.Fails"}, {"files", {"/artifacts/Kv.Fails/redis-1.log"}}}, 1'000'119);
  text += Line({{"event", "test_end"},
                {"test", "Kv.Fails"},
                {"result", "failed"},
                {"duration_ms", 9},
                {"failures_left_out", 3},
                {"failures", {{{"message", "no ]]> & <b>\n\x1b[31m\xff"}, {"file", "kv_test.cc"}, {"line", 20}}}}},
               1'000'120);
  text += Line({{"event", "test_begin"}, {"test", "Kv.Skips"}}, 1'000'121);
  text += Line({{"event", "test_end"}, {"test", "Kv.Skips"}, {"result", "skipped"}, {"duration_ms", 0}}, 1'000'121);
  text += Line({{"event", "test_begin"}, {"test", "Kv.Hangs"}}, 1'000'130);
  text += Line({{"event", "server"}, {"server", "nginx"}, {"test", "Kv.Hangs"}, {"warden", 4003}}, 1'000'131);
  text += Line({{"event", "test_timeout"},
                {"test", "Kv.Hangs"},
                {"evidence", "Kv.Hangs was still running after its timeout of 3 s"}},
               1'003'130);
  text += Line({{"event", "warden_lost"},
                {"server", "nginx"},
                {"test", "Kv.Hangs"},
                {"warden", 4003},
                {"survivors", {{{"process", PlainProcess(4004, {"nginx"})}, {"reason", "EPERM: runs as uid 33"}}}}},
               1'003'200);
  text += Line({{"event", "owner_end"}, {"status", ExitStatus::KilledBy(SIGABRT, true)}}, 1'006'140);
  text += Line({{"event", "strays"}, {"processes", {PlainProcess(4800, {"sleep", "1000"})}}}, 1'006'150);
  text += Line({{"event", "note"}, {"text", "something worth saying"}}, 1'006'151);
  text += Line({{"event", "run_end"}, {"run", run}, {"why", "the test program ended"}}, 1'006'160);
  return text;
}

}  // namespace curfew::testing
