// SPDX-License-Identifier: Apache-2.0
// What people read: leaks and stop results as text.
#include <algorithm>
#include <climits>
#include <ctime>
#include <iomanip>
#include <map>
#include <ostream>
#include <sstream>

#include <curfew/leak.h>
#include <curfew/stop.h>

#include "process/clock.h"
#include "process/names.h"
#include "procfs/character.h"

namespace curfew {
namespace {

std::string LocalTime(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::ostringstream out;
  out << std::put_time(&parts, "%H:%M:%S");
  return out.str();
}

std::string Plural(std::size_t count, const char* noun) {
  return std::to_string(count) + ' ' + noun +
         (count == 1                                              ? ""
          : noun[std::char_traits<char>::length(noun) - 1] == 's' ? "es"
                                                                  : "s");
}

// A path as reports show command lines: a directory's name may hold newlines and escape sequences, too.
std::string Escaped(const std::string& path) {
  ProcessInfo shown;
  shown.command = {path};
  return shown.CommandLine(PATH_MAX);
}

// Text that is no command line: escaped, and without quotation marks around it.
std::string Plain(const std::string& text) {
  ProcessInfo shown;
  shown.name = text;
  const std::string bracketed = shown.CommandLine(PATH_MAX);
  return bracketed.substr(1, bracketed.size() - 2);
}

// What a journal holds was written by whatever ran: every text of it is somebody else's.
std::string Join(const std::vector<std::string>& parts) {
  std::string joined;
  for (const auto& part : parts) joined += (joined.empty() ? "" : ", ") + Plain(part);
  return joined;
}

// A command line that was escaped when it was read: its backslashes are those of escapes.
std::string Shown(const std::string& line) {
  std::string shown;
  for (std::string_view rest = line; !rest.empty();) {
    const auto next = procfs::NextCharacter(rest);
    if (next.plain || rest.front() == '\\') {
      shown += rest.substr(0, next.size);
    } else {
      for (const char byte : rest.substr(0, next.size)) shown += procfs::HexEscape(byte);
    }
    rest.remove_prefix(next.size);
  }
  return shown;
}

std::string Needed(int signal) { return signal == 0 ? "by itself" : "on " + process::SignalName(signal); }

// Who is to blame, as exactly as it is known.
std::string Origin(const Leak& leak) {
  std::string text = leak.server.empty() ? "" : "server " + Plain(leak.server);
  if (text.empty() && !leak.test.empty()) text = "the test itself";
  if (!leak.test.empty()) text += " in " + Plain(leak.test);
  std::string chain;
  for (const auto& ancestor : leak.ancestors) chain += (chain.empty() ? "" : " > ") + Shown(ancestor);
  if (!chain.empty()) text += (text.empty() ? "" : ", by way of ") + chain;
  if (text.empty()) text = "an unknown process of the run";
  return leak.run.empty() ? text : text + " (run " + Plain(leak.run) + ")";
}

}  // namespace

std::string Leak::ToString() const {
  std::ostringstream out;
  out << "leaked process " << process.pid << ": " << process.CommandLine() << '\n';
  out << "  begun by    " << Origin(*this) << '\n';
  out << "  escaped     " << (escapes.empty() ? "it did not: it was simply left running" : Join(escapes)) << '\n';
  out << "  process     ppid " << process.parent << ", group " << process.group << ", session " << process.session
      << ", uid " << process.uid << ", state " << Plain(std::string(1, process.state)) << ", started "
      << LocalTime(process.started);
  if (process.resident_bytes != 0) out << ", " << (process.resident_bytes >> 10U) << " KiB resident";
  out << '\n';
  if (!process.exe.empty()) out << "  program     " << Escaped(process.exe) << '\n';
  if (!process.cwd.empty()) out << "  directory   " << Escaped(process.cwd) << '\n';
  if (!process.ports.empty()) {
    out << "  listens on ";
    for (const auto port : process.ports) out << ' ' << port;
    out << '\n';
  }
  for (const auto& held : holds) out << "  holds       " << Plain(held) << '\n';
  out << "  known by    " << Join(evidence) << '\n';
  if (!exempted.empty()) out << "  exempted    " << Plain(exempted) << '\n';
  out << "  now         " << (reaped ? "reaped: nothing of it is left" : "STILL ALIVE: " + Plain(why_alive)) << '\n';
  return out.str();
}

std::ostream& operator<<(std::ostream& out, const Leak& leak) { return out << leak.ToString(); }

bool StopResult::graceful() const {
  if (!survivors.empty() || !leader) return false;
  for (const auto& stopped : processes) {
    if (stopped.needed == SIGKILL) return false;
  }
  return true;
}

std::string StopResult::ToString() const {
  std::ostringstream out;
  out << "stopped in " << process::Describe(took);
  if (leader) out << ", the leader " << *leader;
  std::map<int, std::size_t> by_signal;
  const auto survived = [this](const StoppedProcess& stopped) {
    return std::ranges::find(survivors, stopped.process.pid, [](const Survivor& s) { return s.process.pid; }) !=
           survivors.end();
  };
  for (const auto& stopped : processes) {
    if (!survived(stopped)) ++by_signal[stopped.needed];
  }
  const char* separator = ": ";
  for (const auto& [signal, count] : by_signal) {
    out << separator << Plural(count, "process") << " ended " << Needed(signal);
    separator = ", ";
  }
  for (const auto& stopped : processes) {
    if (stopped.needed != SIGKILL || survived(stopped)) continue;
    out << "\n  had to be killed: " << stopped.process.pid << ' ' << stopped.process.CommandLine();
  }
  for (const auto& survivor : survivors) {
    out << "\n  STILL ALIVE: " << survivor.process.pid << ' ' << survivor.process.CommandLine() << " ("
        << Plain(survivor.reason) << ')';
  }
  return out.str();
}

std::ostream& operator<<(std::ostream& out, const StopResult& result) { return out << result.ToString(); }

}  // namespace curfew
