// SPDX-License-Identifier: Apache-2.0
#include "readiness/simple_probes.h"

#include <sys/stat.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include "process/names.h"
#include "readiness/text.h"

namespace curfew::readiness {

namespace {

constexpr const char* kOld =
    ": is there, but as it was before the launch: an earlier life may have left it (one that is written "
    "only once is for Ready::When)";

}  // namespace

FileProbe::FileProbe(std::filesystem::path path, std::optional<FileVersion> before)
    : path_(std::move(path)),
      before_(before),
      title_("file " + Printable(path_.native(), 4096)),
      seen_(NotAsked(title_)) {}

Observation FileProbe::Look(Deadline) {
  // One look for both questions: between two a server may remove what an earlier life left.
  const std::optional<FileVersion> version = FileVersion::Of(path_);
  const int error = errno;
  const bool old = version && version == before_;
  seen_.satisfied = version && !old;
  if (version) {
    seen_.saw = title_ + (old ? kOld : ": is there");
  } else {
    const bool absent = error == ENOENT || error == ENOTDIR;
    seen_.saw = title_ + ": " + (absent ? "not there" : process::DescribeErrno(error));
  }
  return seen_;
}

SettledProbe::SettledProbe(std::filesystem::path path, Duration quiet, std::optional<FileVersion> before)
    : path_(std::move(path)),
      quiet_(quiet),
      before_(before),
      title_("file " + Printable(path_.native(), 4096)),
      seen_(NotAsked(title_)) {}

Observation SettledProbe::Look(Deadline now) {
  return seen_ = Ask(now);
}

Observation SettledProbe::Ask(Deadline now) {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) {
    const int error = errno;
    version_.reset();
    return {.satisfied = false,
            .saw = title_ + ": " + (error == ENOENT ? "not there" : process::DescribeErrno(error)),
            .taken = {}};
  }
  if (before_ && FileVersion::Of(path_) == before_) {
    version_.reset();
    return {.satisfied = false, .saw = title_ + kOld, .taken = {}};
  }
  const Version version{status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  if (version_ != version) {
    version_ = version;
    since_ = now;
  }
  const std::string size = title_ + ": " + std::to_string(version.size) + " bytes";
  if (now - since_ >= quiet_) {
    return {.satisfied = true, .saw = size + ", unchanged for " + process::Describe(quiet_), .taken = {}};
  }
  return {.satisfied = false,
          .saw = size + ", changed " + process::Describe(now - since_) + " ago, and has to rest for " +
                 process::Describe(quiet_),
          .taken = {},
          .state = "changes"};
}

std::optional<Deadline> SettledProbe::WantsLook() const {
  return version_ && !seen_.satisfied ? std::optional(since_ + quiet_) : std::nullopt;
}

Observation WhenProbe::Look(Deadline) {
  return seen_ = Ask();
}

Observation WhenProbe::Ask() const {
  try {
    const bool holds = predicate_(address_);
    return {.satisfied = holds, .saw = holds ? "When(): true" : "When(): false", .taken = {}};
  } catch (const std::exception& error) {
    return {.satisfied = false, .saw = "When(): threw " + Quoted(error.what(), 1000), .taken = {}};
  } catch (...) {
    return {.satisfied = false, .saw = "When(): threw something that is no std::exception", .taken = {}};
  }
}

}  // namespace curfew::readiness
