// SPDX-License-Identifier: Apache-2.0
#include "cli/verdict.h"

#include <algorithm>
#include <sstream>

#include "process/clock.h"

namespace curfew::cli {
namespace {

// Beyond this many the rest is only counted: a fork bomb must not fill the log.
constexpr std::size_t kShown = 50;

std::size_t ToBlame(const std::vector<Leak>& leaks) {
  return static_cast<std::size_t>(
      std::ranges::count_if(leaks, [](const Leak& leak) { return leak.exempted.empty(); }));
}

std::string Processes(std::size_t count) { return std::to_string(count) + (count == 1 ? " process" : " processes"); }

std::string CommandText(const std::vector<std::string>& command) {
  ProcessInfo shown;
  shown.command = command;
  return shown.CommandLine();
}

void List(const std::string& title, const std::vector<Leak>& leaks, std::ostream& out) {
  if (leaks.empty()) return;
  out << "curfew: " << Processes(leaks.size()) << ' ' << title << ":\n";
  for (std::size_t i = 0; i < leaks.size() && i < kShown; ++i) out << leaks[i];
  if (leaks.size() > kShown) out << "and " << leaks.size() - kShown << " more\n";
}

}  // namespace

Verdict Judge(const Outcome& outcome, Policy leaks) {
  if (outcome.timed_out) return {std::nullopt, kExitTimedOut};
  if (!outcome.status) return {std::nullopt, kExitInternal};
  // A failure of the command stays what it is.
  if (outcome.status->signaled()) return {outcome.status->signal(), 128 + outcome.status->signal()};
  if (outcome.status->code() != 0) return {std::nullopt, outcome.status->code()};
  if (!outcome.guardian_lost.empty() || !outcome.blind.empty()) return {std::nullopt, kExitInternal};
  const auto blamed = ToBlame(outcome.leaks) + ToBlame(outcome.inner_leaks);
  const auto fails = [&outcome](const leaks::Resource& resource) { return outcome.Fails(resource); };
  const bool failed = (leaks == Policy::kFail && blamed > 0) || std::ranges::any_of(outcome.resources, fails);
  return {std::nullopt, failed ? kExitLeaked : 0};
}

std::string Describe(const Outcome& outcome, const Verdict& verdict, Policy leaks) {
  std::ostringstream out;
  for (const auto& trouble : {outcome.guardian_lost, outcome.blind}) {
    if (!trouble.empty()) out << "curfew: " << trouble << '\n';
  }
  if (outcome.timed_out) out << "curfew: " << *outcome.timed_out;
  if (outcome.stop && (outcome.timed_out || !outcome.stop->survivors.empty())) {
    out << "curfew: " << outcome.stop->ToString() << '\n';
  }
  if (!outcome.resources.empty()) {
    out << "curfew: appeared while the command ran, and is still there (left in place):\n"
        << leaks::ListResources(outcome.resources);
  }
  if (leaks == Policy::kOff) return out.str();
  const auto command = CommandText(outcome.command);
  List("leaked, found when " + command + " had ended", outcome.leaks, out);
  List("leaked, found by the runs inside", outcome.inner_leaks, out);
  const auto all = outcome.leaks.size() + outcome.inner_leaks.size();
  if (all == 0) return out.str();
  out << "curfew: run " << outcome.run << ": " << Processes(all) << " leaked";
  const auto exempted = all - ToBlame(outcome.leaks) - ToBlame(outcome.inner_leaks);
  if (exempted > 0) out << ", " << exempted << " of them exempted";
  if (outcome.stop) out << "; ended in " << process::Describe(outcome.stop->took);
  if (verdict.exit_code == kExitLeaked) out << "; exit code " << kExitLeaked << " though the command itself passed";
  out << '\n';
  return out.str();
}

}  // namespace curfew::cli
