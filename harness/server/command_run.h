// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "keeper/channel.h"
#include "process/result.h"
#include "readiness/command.h"
#include "server/prepared_server.h"

namespace curfew::server {

// Runs the commands of Ready::Command, each under a warden of its own: the test program forks nothing, what a command
// leaves behind is found as it is for a server, and it ends with the test program, however that ends.
class WardenCommandRunner : public readiness::CommandRunner {
 public:
  // `start_warden` gives the channel to a new warden. `captures` are looked at when a command is begun; `level` is
  // that of the server's containment. All must
  // outlive it.
  using StartWarden = std::function<process::Result<keeper::Channel>()>;
  WardenCommandRunner(const PreparedServer& server, const std::map<std::string, std::string>& captures,
                      std::string mark, std::string level, StartWarden start_warden)
      : server_(server),
        captures_(captures),
        mark_(std::move(mark)),
        level_(std::move(level)),
        start_warden_(std::move(start_warden)) {}

  [[nodiscard]] std::unique_ptr<readiness::RunningCommand> Start(
      const std::vector<std::string>& argv, const std::map<std::string, std::string>& env) override;

 private:
  // Puts in what this server's own log has shown; false if that has not come yet, or cannot be an argument.
  [[nodiscard]] bool FillIn(std::string& text, std::string& why_not) const;

  const PreparedServer& server_;
  const std::map<std::string, std::string>& captures_;
  std::string mark_;
  std::string level_;  // of containment
  StartWarden start_warden_;
};

}  // namespace curfew::server
