// SPDX-License-Identifier: Apache-2.0
#include "report/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include <nlohmann/json.hpp>

namespace curfew::report {

Journal::Journal(const std::filesystem::path& path)
    : file_(path.empty() ? -1 : ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (!file_.valid() && !path.empty()) error_ = errno;
}

void Journal::Write(nlohmann::json event) {
  if (!file_.valid()) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  event.emplace("time_ms", std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::string line = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  if (cut_short_) line.insert(0, 1, '\n');
  // A failure is only noted: the run matters more than its record.
  const auto written = ::write(file_.get(), line.data(), line.size());
  if (written > 0) cut_short_ = static_cast<std::size_t>(written) < line.size();
  if (written < 0) error_ = errno;
  // What cuts a write to a file short is a full disk, a quota or a limit.
  if (written >= 0 && static_cast<std::size_t>(written) < line.size()) error_ = ENOSPC;
}

}  // namespace curfew::report
