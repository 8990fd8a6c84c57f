// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "report/model.h"

// One report, many readers. Each function is the whole of one format; none of them writes a file.
namespace curfew::report {

// For people. With `colour` it holds escape sequences of its own, and never any of a test's or a process's.
[[nodiscard]] std::string RenderText(const RunReport& report, bool colour);
// docs/report.schema.json; `curfew report` reads it again.
[[nodiscard]] std::string RenderJson(const RunReport& report);
// JUnit XML as Jenkins, GitLab and others show it: a suite per run and test suite. Beside the tests it holds a failed
// case for leaks that no failed test stands for, and for a program that ended outside of its tests.
[[nodiscard]] std::string RenderJunit(const RunReport& report);
// What GoogleTest writes for --gtest_output=json, with `type` "crashed" or "timed_out" where it had no chance to.
[[nodiscard]] std::string RenderGtestJson(const RunReport& report);
// Workflow commands, a line each: ::error for what is bad, ::warning for what was left out.
[[nodiscard]] std::string RenderGithub(const RunReport& report);
// The step summary of GitHub ($GITHUB_STEP_SUMMARY), at most 1 MiB as it demands.
[[nodiscard]] std::string RenderMarkdown(const RunReport& report);
// Trace event format: a timeline for ui.perfetto.dev and chrome://tracing.
[[nodiscard]] std::string RenderTrace(const RunReport& report);
// One page that needs no network: timeline, search, evidence on click.
[[nodiscard]] std::string RenderHtml(const RunReport& report);

}  // namespace curfew::report
