// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "readiness/race.h"
#include "server/run.h"

namespace curfew::server {

// Hands on what a wait is for, and that it is over if anything was said.
class WaitTeller : public readiness::WaitObserver {
 public:
  WaitTeller(std::string server, std::function<void(const Run::WaitNews&)> tell)
      : server_(std::move(server)), tell_(std::move(tell)) {}
  ~WaitTeller() override {
    if (told_) tell_({.server = server_, .missing = {}, .over = true});
  }
  WaitTeller(const WaitTeller&) = delete;
  WaitTeller& operator=(const WaitTeller&) = delete;

  void Waiting(Duration waited, Duration allowed, const std::vector<readiness::Observation>& seen) override {
    if (!tell_) return;
    Run::WaitNews news{.server = server_, .waited = waited, .allowed = allowed, .missing = {}};
    for (const auto& one : seen) {
      if (!one.satisfied) news.missing.push_back(one.saw);
    }
    told_ = true;
    tell_(news);
  }

 private:
  std::string server_;
  std::function<void(const Run::WaitNews&)> tell_;
  bool told_ = false;
};

}  // namespace curfew::server
