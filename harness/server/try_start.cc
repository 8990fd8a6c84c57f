// SPDX-License-Identifier: Apache-2.0
#include <curfew/try_start.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace curfew {

void StartResult::Refuse() const {
  std::fprintf(stderr, "curfew: %s\n",
               error_ ? (std::string("StartResult::value() of a start that ") + error_->what()).c_str()
                      : "StartResult::error() of a server that was started");
  std::abort();
}

StartResult TryStart(ServerSpec spec, std::stop_token cancel) noexcept {
  try {
    return Server::Start(std::move(spec), std::move(cancel));
  } catch (const StartError& error) {
    return error;
  } catch (const std::exception& error) {
    return StartError(StartError::kHarnessLost, std::string("failed to start a server: ") + error.what(), {});
  }
}

}  // namespace curfew
