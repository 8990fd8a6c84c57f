// SPDX-License-Identifier: Apache-2.0
#include "process/names.h"

#include <signal.h>

#include <cstring>

#include "process/result.h"

namespace curfew::process {

// The *_np functions: strerror(3) and strsignal(3) are translated, and not safe in threads.

std::string ErrnoName(int error) {
  const char* name = error == 0 ? nullptr : ::strerrorname_np(error);
  return name != nullptr ? name : "errno " + std::to_string(error);
}

std::string DescribeErrno(int error) {
  const char* description = ::strerrordesc_np(error);
  return ErrnoName(error) + (description != nullptr ? std::string(" (") + description + ")" : "");
}

std::string SignalName(int signal) {
  if (const char* name = ::sigabbrev_np(signal)) return std::string("SIG") + name;
  if (signal == SIGRTMIN) return "SIGRTMIN";
  if (signal > SIGRTMIN && signal <= SIGRTMAX) return "SIGRTMIN+" + std::to_string(signal - SIGRTMIN);
  return "signal " + std::to_string(signal);
}

std::string Failure::ToString() const {
  return operation + ": " + DescribeErrno(error);
}

}  // namespace curfew::process
