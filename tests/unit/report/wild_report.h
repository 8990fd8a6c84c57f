// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "report/model.h"
#include "report/read_journal.h"
#include "sample_journal.h"

namespace curfew::testing {

// What any name, message or command line may hold, and each format has to bear.
inline const std::string kWild =
    "q'\"` \\ \n::error::no\r\n]]> <b>&amp; </script><!--<script>alert(1)</script> \x1b[31mred\x1b]0;title\x07 "
    "\xff\xfe\xc0\xaf "
    "\xe2\x80\xa8\xe2\x80\xae\xef\xbf\xbf\xed\xa0\x80 ``` |a|b| [x](javascript:alert) %0A *_#_* ${{ x }} \t\x01 end";

// A report in which every text is wild.
inline report::RunReport WildReport() {
  report::RunReport report;
  report::ReadJournal(SampleJournal(), "sample", report);
  auto& run = report.runs[0];
  run.id += kWild;
  run.host = run.directory = run.containment = run.ending = run.output = kWild;
  run.command = {"/src/" + kWild, kWild};
  run.notes = {{std::nullopt, kWild}};
  run.timed_out = run.evidence = kWild;
  run.troubles = {kWild};
  run.is_command = true;
  run.resources = {{kWild, kWild, std::nullopt, true}, {"abstract Unix socket @x", "", std::nullopt, false}};
  for (auto& test : run.tests) {
    test.name += kWild;
    test.file = kWild;
    if (!test.evidence.empty()) test.evidence += kWild;
    for (auto& failure : test.failures) failure = {kWild, kWild, 3};
    test.files = {kWild};
  }
  for (auto& server : run.servers) {
    server.name = server.test = server.log = server.cause = kWild;
    server.command = {kWild, kWild};
    server.log_tail = {kWild, kWild};
  }
  for (auto& record : run.leaks) {
    record.leak.process = WildProcess(record.leak.process.pid);
    record.leak.process.command = {kWild};
    record.leak.process.name = record.leak.process.cwd = kWild;
    record.leak.server = record.leak.test = record.leak.why_alive = kWild;
    record.leak.escapes = record.leak.evidence = record.leak.ancestors = record.leak.holds = {kWild};
    record.leak.run = kWild;
  }
  run.leaks.back().exempted = kWild;
  report.damage = {kWild};
  return report;
}

}  // namespace curfew::testing
