// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "readiness/probe.h"

namespace curfew::readiness {

// A path exists; not as it was before the launch, if it was there then.
class FileProbe final : public Probe {
 public:
  explicit FileProbe(std::filesystem::path path, std::optional<FileVersion> before = {});

  [[nodiscard]] Observation Look(Deadline now) override;
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

 private:
  std::filesystem::path path_;
  std::optional<FileVersion> before_;
  std::string title_;  // "file /tmp/x/pid"
  Observation seen_;
};

// A path exists, and its size and time of modification have not changed for a while.
class SettledProbe final : public Probe {
 public:
  SettledProbe(std::filesystem::path path, Duration quiet, std::optional<FileVersion> before = {});

  [[nodiscard]] Observation Look(Deadline now) override;
  [[nodiscard]] std::optional<Deadline> WantsLook() const override;
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

 private:
  // What is there: any change of it begins the wait anew.
  struct Version {
    std::uint64_t device, inode;
    std::int64_t size, seconds, nanoseconds;
    friend bool operator==(const Version&, const Version&) = default;
  };
  [[nodiscard]] Observation Ask(Deadline now);

  std::filesystem::path path_;
  Duration quiet_;
  std::optional<FileVersion> before_;
  std::string title_;  // "file /tmp/x/pid"
  std::optional<Version> version_;
  Deadline since_;
  Observation seen_;
};

// The user's own function returns true.
class WhenProbe final : public Probe {
 public:
  WhenProbe(std::function<bool(const ServerAddress&)> predicate, ServerAddress address)
      : predicate_(std::move(predicate)), address_(std::move(address)), seen_(NotAsked("When()")) {}

  [[nodiscard]] Observation Look(Deadline now) override;
  void AppendSeen(std::vector<Observation>& seen) const override { seen.push_back(seen_); }

 private:
  [[nodiscard]] Observation Ask() const;

  std::function<bool(const ServerAddress&)> predicate_;
  ServerAddress address_;
  Observation seen_;
};

}  // namespace curfew::readiness
